/** The worker that classifies on the CPU. */

import * as marquee from "../pkg/cpu/marquee.js";
import { classifierMethods as classifier } from "./classifier-methods.js";
import { serveWorker } from "./serve.js";

serveWorker(marquee, { classifier });
