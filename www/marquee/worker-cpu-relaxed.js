/** The worker that classifies on the CPU in browsers with relaxed SIMD. */

import * as marquee from "../pkg/cpu-relaxed/marquee.js";
import { classifierMethods as classifier } from "./classifier-methods.js";
import { serveWorker } from "./serve.js";

serveWorker(marquee, { classifier });
