/**
 * The package in Node.js: on the CPU, in the calling thread.
 *
 * @import { AnyWorker } from "./connection.js"
 */

import { readFile } from "node:fs/promises";

import { classifierMethods } from "./classifier-methods.js";
import { failure } from "./errors.js";
import { fineTunerMethods } from "./fine-tuner-methods.js";
import * as loading from "./load.js";
import { serve } from "./serve.js";

export { version } from "./assets.js";
export { MarqueeError } from "./errors.js";
export { paint, strongest } from "./heatmap.js";

const PACKAGES = {
    cpu: () => import("../pkg/cpu/marquee.js"),
    "cpu-relaxed": () => import("../pkg/cpu-relaxed/marquee.js"),
    teach: () => import("../pkg/teach/marquee.js"),
};

/** @type {loading.Platform} */
const NODE = {
    // Node's fetch reads no files.
    fetch: async (url, options) => (url.protocol === "file:" ? new Response(await readFile(url)) : fetch(url, options)),
    startWorker(kind) {
        if (kind === "gpu" || kind === "gpu-teach") throw failure("no-webgpu");
        return new SameThread(PACKAGES[kind]());
    },
    workers: () => 1,
};

/**
 * What a worker is to a browser, without a thread.
 *
 * @implements {AnyWorker}
 */
class SameThread {
    /** @type {((event: any) => void) | null} */
    onmessage = null;
    /** @type {((event: any) => void) | null} */
    onerror = null;
    /** @type {Promise<(message: any) => void>} */
    #handler;

    /** @param {Promise<any>} loading  the wasm package's module */
    constructor(loading) {
        this.#handler = loading.then((marquee) => new Promise((resolve) => {
            serve({ post: (data) => this.onmessage?.({ data }), listen: resolve }, marquee, { classifier: classifierMethods, fineTuner: fineTunerMethods });
        }));
    }

    /** @param {any} message */
    postMessage(message) {
        this.#handler.then((handle) => handle(message), (error) => this.onerror?.(error));
    }

    terminate() {
        this.onmessage = null;
        this.onerror = null;
    }
}

/** @type {typeof import("./api.js").load} */
export const load = (options) => loading.load(NODE, options);

/** @type {typeof import("./api.js").fineTuner} */
export const fineTuner = (options) => loading.fineTuner(NODE, options);
