/** The options of `load` and `fineTuner`. */

import { modelRule } from "./model.js";
import { callback, positive, signalRule } from "./options.js";

/** @satisfies {Record<keyof import("./api.js").LoadOptions, import("./options.js").Rule>} */
export const LOAD_OPTIONS = {
    device: ["auto", "cpu", "webgpu"],
    workers: { is: (/** @type {any} */ value) => value === "auto" || positive.is(value), what: '"auto" or a whole number above 0' },
    model: modelRule,
    onProgress: callback,
    onDevice: callback,
    signal: signalRule,
    assets: { is: (/** @type {any} */ value) => typeof value === "string" || value instanceof URL, what: "an address" },
};

/** Those of `fineTuner` besides the wasm package's, which checks its own. */
export const FINE_TUNER_OPTIONS = { device: ["cpu", "webgpu"], model: modelRule, onProgress: callback, signal: signalRule };
