/** The worker that fine-tunes on the CPU. */

import * as marquee from "../pkg/teach/marquee.js";
import { fineTunerMethods as fineTuner } from "./fine-tuner-methods.js";
import { serveWorker } from "./serve.js";

serveWorker(marquee, { fineTuner });
