/**
 * The classifier's worker. The CPU package answers first; WebGPU is brought up behind it, must give the CPU's
 * answer on the same poster, and only then takes over. Whatever goes wrong on the GPU, the CPU answers.
 *
 * @import { Choice, Classify, DeviceName, FromWorker, Prediction, Start } from "./messages.js"
 * @import { Classifier } from "../pkg/cpu/marquee.js"
 */

import * as download from "./download.js";

/** The poster on which both devices must agree; a visitor's first click on it then comes from the cache. */
const CHECK_POSTER = "samples/lighthouse.jpg";

/** Largest difference between the devices' probabilities. */
const TOLERANCE = 1e-3;

/** A GPU that has not answered after this long has failed, in milliseconds. Its first run compiles shaders. */
const PATIENCE = { firstRun: 120_000, run: 20_000 };

/** @type {Classifier} */
let cpu;
/** @type {Classifier | undefined} */
let gpu;
/** Why there is no classifier. */
let failure = "";

/** @param {FromWorker} message */
const post = (message) => self.postMessage(message);

/** Everything is answered in the order in which it was asked. */
let queue = Promise.resolve();

self.addEventListener("message", ({ data }) => {
    /** @type {Start | Classify} */
    const message = data;
    if (message.type === "start") {
        queue = start(message.choice);
    } else {
        queue = queue.then(() => classify(message));
    }
});

// WebAssembly that has trapped never answers, and cannot be trusted again: the page starts a new worker.
self.addEventListener("error", (event) => {
    event.preventDefault();
    post({ type: "crashed", message: event.message });
});

/** @param {Choice} choice */
async function start(choice) {
    try {
        const [packages, manifest] = await Promise.all([
            download.json("pkg/packages.json"),
            download.text("model/model.json"),
        ]);
        const shown = JSON.parse(manifest);
        const total = packages.cpu.bytes + shown.weights.bytes;
        let loaded = 0;
        const heard = (/** @type {number} */ more) => {
            loaded += more;
            post({ type: "progress", loaded, total });
        };
        const [wasm, weights] = await Promise.all([
            download.bytes("pkg/cpu/marquee_bg.wasm", heard),
            download.bytes(`model/${shown.weights.file}`, heard),
        ]);
        cpu = await open("cpu", wasm, manifest, weights);
        post({ type: "ready", manifest: shown });
        if (choice === "cpu") {
            post({ type: "device", device: "cpu", reason: "The CPU was asked for." });
            return;
        }
        const bringingUp = bringUpGpu(manifest, weights);
        // Who asks for WebGPU waits for it; everyone else is answered by the CPU meanwhile.
        if (choice === "webgpu") await bringingUp;
    } catch (error) {
        failure = reason(error);
        post({ type: "failed", message: failure });
    }
}

/**
 * @param {"cpu" | "gpu"} name
 * @param {Uint8Array<ArrayBuffer>} wasm
 * @param {string} manifest
 * @param {Uint8Array} weights
 * @returns {Promise<Classifier>}
 */
async function open(name, wasm, manifest, weights) {
    /** @type {typeof import("../pkg/cpu/marquee.js")} */
    const marquee = await import(`../pkg/${name}/marquee.js`);
    await marquee.default({ module_or_path: wasm });
    return marquee.Classifier.load(manifest, weights);
}

/**
 * @param {string} manifest
 * @param {Uint8Array} weights
 */
async function bringUpGpu(manifest, weights) {
    try {
        if (!navigator.gpu) throw new Error("this browser has no WebGPU");
        const adapter = await navigator.gpu.requestAdapter();
        if (!adapter) throw new Error("this browser offers no GPU");
        const [wasm, poster] = await Promise.all([
            download.bytes("pkg/gpu/marquee_bg.wasm"),
            download.bytes(CHECK_POSTER),
        ]);
        const candidate = await open("gpu", wasm, manifest, weights);
        const difference = largestDifference(
            await within(PATIENCE.firstRun, candidate.classify(poster)),
            await cpu.classify(poster),
        );
        if (!(difference <= TOLERANCE)) {
            throw new Error(`the GPU computes wrongly (a probability is off by ${difference.toFixed(3)})`);
        }
        gpu = candidate;
        post({ type: "device", device: "webgpu", reason: "" });
    } catch (error) {
        post({ type: "device", device: "cpu", reason: `Without WebGPU: ${reason(error)}.` });
    }
}

/**
 * @param {Prediction[]} some
 * @param {Prediction[]} others
 */
function largestDifference(some, others) {
    const probabilities = new Map(others.map(({ genre, probability }) => [genre, probability]));
    return Math.max(...some.map(({ genre, probability }) => Math.abs(probability - (probabilities.get(genre) ?? NaN))));
}

/** @param {Classify} message */
async function classify({ id, bytes }) {
    try {
        if (failure) throw new Error(`the network could not be loaded (${failure})`);
        const started = performance.now();
        const { device, genres } = await answer(bytes);
        const milliseconds = performance.now() - started;
        post({ type: "answer", id, device, milliseconds, genres });
    } catch (error) {
        post({ type: "refused", id, message: reason(error) });
    }
}

/** Kinds of error that are the poster's fault and not the device's. */
const POSTERS_FAULT = ["EmptyImage", "UnknownImageFormat", "ImageTooLarge", "DamagedImage"];

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<{ device: DeviceName, genres: Prediction[] }>}
 */
async function answer(bytes) {
    if (gpu) {
        try {
            return { device: "webgpu", genres: await within(PATIENCE.run, gpu.classify(bytes)) };
        } catch (error) {
            if (error instanceof Error && POSTERS_FAULT.includes(error.name)) throw error;
            gpu = undefined;
            post({ type: "device", device: "cpu", reason: `WebGPU failed: ${reason(error)}.` });
        }
    }
    return { device: "cpu", genres: await cpu.classify(bytes) };
}

/**
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function within(milliseconds, work) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(
            () => reject(new Error(`no answer within ${milliseconds / 1000} seconds`)),
            milliseconds,
        );
        work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

/** @param {unknown} error */
function reason(error) {
    return error instanceof Error ? error.message : String(error);
}
