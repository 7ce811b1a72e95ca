/** The worker that classifies on the CPU. */

import * as marquee from "../pkg/cpu/marquee.js";
import { serveWorker } from "./worker-port.js";

serveWorker(marquee);
