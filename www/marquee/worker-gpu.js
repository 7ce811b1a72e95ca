/** The worker that classifies or fine-tunes on WebGPU. It ends when the GPU fails: a package keeps its dead device. */

import * as marquee from "../pkg/gpu/marquee.js";
import { classifierMethods as classifier } from "./classifier-methods.js";
import { toPlain } from "./errors.js";
import { fineTunerMethods as fineTuner } from "./fine-tuner-methods.js";
import { serveWorker } from "./serve.js";
import { watchGpu } from "./watch-gpu.js";

watchGpu((error) => self.postMessage({ type: "broken", error: toPlain(error) }));
serveWorker(marquee, { classifier, fineTuner });
