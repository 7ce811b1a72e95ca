/** LiteRT.js with weights and activations of 8 bits. */

import { load as loadFile } from "./litert.js";

/** @param {"cpu" | "webgpu"} device */
export const load = (device) => loadFile(device, 1, "model-int8.tflite");
