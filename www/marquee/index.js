/**
 * The package in a browser.
 *
 * @import { Assets } from "./assets.js"
 * @import { WorkerKind } from "./load.js"
 */

import { failure, firstLine } from "./errors.js";
import * as loading from "./load.js";

export { version } from "./assets.js";
export { MarqueeError } from "./errors.js";
export { paint, strongest } from "./heatmap.js";

/**
 * Vite and webpack find workers by exactly this form of expression, and bundle them.
 *
 * @type {Record<WorkerKind, () => Worker>}
 */
const START = {
    cpu: () => new Worker(new URL("./worker-cpu.js", import.meta.url), { type: "module", name: "marquee-cpu" }),
    "cpu-relaxed": () => new Worker(new URL("./worker-cpu-relaxed.js", import.meta.url), { type: "module", name: "marquee-cpu-relaxed" }),
    gpu: () => new Worker(new URL("./worker-gpu.js", import.meta.url), { type: "module", name: "marquee-gpu" }),
    teach: () => new Worker(new URL("./worker-teach.js", import.meta.url), { type: "module", name: "marquee-teach" }),
    "gpu-teach": () => new Worker(new URL("./worker-gpu.js", import.meta.url), { type: "module", name: "marquee-gpu-teach" }),
};

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

/**
 * @param {WorkerKind} kind
 * @param {Assets} assets
 */
function startWorker(kind, assets) {
    try {
        if (assets.isElsewhere) return startAt(assets.url(`marquee/${scriptOf(kind)}`), kind);
        // A variable hides the address from bundlers: where this code runs, it may be another site's.
        const here = import.meta.url;
        if (/^https?:/.test(here) && new URL(here).origin !== globalThis.origin) return startAt(new URL(scriptOf(kind), here), kind);
        return START[kind]();
    } catch (error) {
        throw failure("worker-failed", { reason: firstLine(error) });
    }
}

/** @param {WorkerKind} kind */
function scriptOf(kind) {
    return `worker-${kind === "gpu-teach" ? "gpu" : kind}.js`;
}

/**
 * Starts a worker whose script may be on another site. Browsers start no such worker, but one of the page's own may
 * import the script.
 *
 * @param {URL} url
 * @param {WorkerKind} kind
 */
function startAt(url, kind) {
    /** @type {WorkerOptions} */
    const options = { type: "module", name: `marquee-${kind}` };
    if (url.origin === globalThis.origin) return new Worker(url, options);
    const wrapper = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
    const worker = new Worker(wrapper, options);
    // The script is fetched later; its address must last until the worker runs or fails.
    const release = () => URL.revokeObjectURL(wrapper);
    worker.addEventListener("message", release, { once: true });
    worker.addEventListener("error", release, { once: true });
    return worker;
}
