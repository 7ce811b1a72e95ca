/** The worker that fine-tunes on the CPU. */

import * as marquee from "../pkg/teach/marquee.js";
import { serveWorker } from "./worker-port.js";

serveWorker(marquee);
