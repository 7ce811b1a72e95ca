/** The worker that classifies or fine-tunes on WebGPU. It ends when the GPU fails: a package keeps its dead device. */

import * as marquee from "../pkg/gpu/marquee.js";
import { toPlain } from "./errors.js";
import { watchGpu } from "./watch-gpu.js";
import { serveWorker } from "./worker-port.js";

watchGpu((error) => self.postMessage({ type: "broken", error: toPlain(error) }));
serveWorker(marquee);
