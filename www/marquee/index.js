/** The package in a browser. */

import * as loading from "./load.js";
import { startWorker } from "./start-worker.js";

export { version } from "./assets.js";
export { MarqueeError } from "./errors.js";
export { paint, strongest } from "./heatmap.js";

/** Most workers by default: more hardly help, and each takes memory. */
const MOST_WORKERS = 8;

/** Workers per gigabyte of the device's memory. */
const WORKERS_PER_GIGABYTE = 2;

/** @type {loading.Platform} */
const BROWSER = {
    fetch: (url, options) => fetch(url, options),
    startWorker,
    workers() {
        const cores = navigator.hardwareConcurrency || 1;
        /** @type {number} */
        const gigabytes = Reflect.get(navigator, "deviceMemory") ?? Infinity; // only some browsers report it
        return Math.max(1, Math.min(cores, MOST_WORKERS, Math.floor(gigabytes * WORKERS_PER_GIGABYTE)));
    },
};

/** @type {typeof import("./api.js").load} */
export const load = (options) => loading.load(BROWSER, options);

/** @type {typeof import("./api.js").fineTuner} */
export const fineTuner = (options) => loading.fineTuner(BROWSER, options);
