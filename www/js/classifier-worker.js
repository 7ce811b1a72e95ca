/**
 * The classifier's worker. The CPU package answers first; WebGPU is brought up behind it, must give the CPU's
 * answer on the same poster, and give it sooner, and only then takes over. Whatever goes wrong on the GPU, the CPU
 * answers.
 *
 * @import { Ask, Classified, DeviceName, Explained, FromWorker, Prediction, Questions, Start } from "./messages.js"
 * @import { Classifier } from "../pkg/cpu/marquee.js"
 */

import * as download from "./download.js";
import { SAMPLES } from "./samples.js";
import { thumbnail } from "./thumbnail.js";

/** The poster on which both devices must agree. */
const CHECK_POSTER = SAMPLES[0]?.file ?? "";

/** Largest difference between the devices' probabilities. */
const TOLERANCE = 1e-3;

/** A GPU that has not answered after this long has failed, in milliseconds. Its first run compiles shaders. */
const PATIENCE = { firstRun: 120_000, poster: 20_000 };

/** A GPU that has failed is tried again after this long at the earliest, in milliseconds. */
const PAUSE = 60_000;

/** Largest file that is read, in bytes; a poster has a few hundred thousand. */
const LARGEST_FILE = 100e6;

/** @type {typeof import("../pkg/cpu/marquee.js")} */
let cpuPackage;
/** @type {Classifier} */
let cpu;
/** @type {Classifier | undefined} */
let gpu;
/** Brings the GPU up once more; undefined where it is not wanted, or is being brought up. @type {(() => void) | undefined} */
let retry;
/** Why there is no classifier. */
let failure = "";

/** @param {FromWorker} message */
const post = (message) => self.postMessage(message);

/** Everything is answered in the order in which it was asked. */
let queue = Promise.resolve();

self.addEventListener("message", ({ data }) => {
    /** @type {Start | Ask} */
    const message = data;
    if (message.type === "start") {
        queue = start(message);
    } else {
        queue = queue.then(() => answer(message));
    }
});

// So that a stack goes down to the package that it began in.
Error.stackTraceLimit = 100;

// WebAssembly that has trapped never answers, and cannot be trusted again. The GPU's package is given up like a
// device that is lost; for the CPU's, the page starts a new worker.
self.addEventListener("error", (event) => {
    event.preventDefault();
    const stack = event.error instanceof Error ? (event.error.stack ?? "") : "";
    if (stack.includes("/pkg/gpu/")) {
        lose(new Error(`the GPU's program stopped (${event.message})`));
    } else {
        post({ type: "crashed", message: event.message });
    }
});

/**
 * Opens the network in a package.
 *
 * @typedef {(marquee: typeof import("../pkg/cpu/marquee.js")) => Promise<Classifier>} Load
 */

/** @param {Start} message */
async function start({ choice, network }) {
    try {
        const wasm = "pkg/cpu/marquee_bg.wasm";
        const manifest = network ? "" : await download.text("model/model.json");
        const shipped = manifest ? JSON.parse(manifest).weights : { file: "", bytes: 0 };
        const total = download.size(wasm) + shipped.bytes;
        let loaded = 0;
        const heard = (/** @type {number} */ more) => {
            loaded += more;
            post({ type: "progress", loaded, total });
        };
        const [code, weights] = await Promise.all([
            download.bytes(wasm, heard),
            network ? network.arrayBuffer().then((file) => new Uint8Array(file)) : download.bytes(`model/${shipped.file}`, heard),
        ]);
        /** @type {Load} */
        const load = ({ Classifier }) => (network ? Classifier.open(weights) : Classifier.load(manifest, weights));
        cpuPackage = await open("cpu", code);
        cpu = await load(cpuPackage);
        post({ type: "ready", manifest: cpu.manifest });
        if (choice === "cpu") {
            post({ type: "device", device: "cpu", reason: "The CPU was asked for." });
            return;
        }
        const bringingUp = bringUpGpu(load, choice === "webgpu");
        // Who asks for WebGPU waits for it; everyone else is answered by the CPU meanwhile.
        if (choice === "webgpu") await bringingUp;
    } catch (error) {
        failure = reason(error);
        post({ type: "failed", message: failure });
    }
}

/** How often each package was opened. */
const opened = { cpu: 0, gpu: 0 };

/**
 * @param {"cpu" | "gpu"} name
 * @param {Uint8Array<ArrayBuffer>} wasm
 * @returns {Promise<typeof import("../pkg/cpu/marquee.js")>}
 */
async function open(name, wasm) {
    // Each time a copy of its own: what has failed once keeps its dead device.
    const copy = opened[name]++;
    const marquee = await import(`../pkg/${name}/marquee.js${copy ? `?copy=${copy}` : ""}`);
    await marquee.default({ module_or_path: wasm });
    return marquee;
}

/**
 * @param {Load} load
 * @param {boolean} asked  whether the visitor asked for it, however slow it is
 */
async function bringUpGpu(load, asked) {
    retry = undefined;
    try {
        if (!navigator.gpu) throw new Error("this browser has no WebGPU");
        const adapter = await navigator.gpu.requestAdapter();
        if (!adapter) throw new Error("this browser offers no GPU");
        const [wasm, poster] = await Promise.all([
            download.bytes("pkg/gpu/marquee_bg.wasm"),
            download.bytes(CHECK_POSTER),
        ]);
        const gpuPackage = await open("gpu", wasm);
        const candidate = await within(PATIENCE.firstRun, load(gpuPackage));
        const difference = largestDifference(
            await within(PATIENCE.firstRun, candidate.classify(poster)),
            await cpu.classify(poster),
        );
        if (!(difference <= TOLERANCE)) {
            throw new Error(`the GPU computes wrongly (a probability is off by ${difference.toFixed(3)})`);
        }
        if (!asked) {
            const [onGpu, onCpu] = [await fastest(candidate, poster), await fastest(cpu, poster)];
            if (onGpu > onCpu) {
                candidate.free();
                throw new Error(`the CPU is faster here (${Math.round(onCpu)} ms a poster, WebGPU takes ${Math.round(onGpu)})`);
            }
        }
        gpu = candidate;
        retry = () => bringUpGpu(load, asked);
        post({ type: "device", device: "webgpu", reason: "" });
    } catch (error) {
        post({ type: "device", device: "cpu", reason: `Without WebGPU: ${reason(error)}.` });
    }
}

/**
 * Milliseconds that a poster takes, the better of two times.
 *
 * @param {Classifier} classifier
 * @param {Uint8Array} poster
 */
async function fastest(classifier, poster) {
    let best = Infinity;
    for (let time = 0; time < 2; time++) {
        const started = performance.now();
        await within(PATIENCE.poster, classifier.classify(poster));
        best = Math.min(best, performance.now() - started);
    }
    return best;
}

/**
 * @param {Prediction[]} some
 * @param {Prediction[]} others
 */
function largestDifference(some, others) {
    const probabilities = new Map(others.map(({ genre, probability }) => [genre, probability]));
    return Math.max(...some.map(({ genre, probability }) => Math.abs(probability - (probabilities.get(genre) ?? NaN))));
}

/** @type {{ [K in keyof Questions]: (question: Questions[K]["question"]) => Questions[K]["answer"] | Promise<Questions[K]["answer"]> }} */
const ANSWERS = {
    explain,
    classify,
    readLabels: (csv) => cpuPackage.readLabels(csv),
    evaluate: (answers) => cpu.evaluate(answers),
    inspect,
};

/** @param {Ask} ask */
async function answer(ask) {
    const { type, id, question } = ask;
    try {
        if (failure) throw new Error(`the network could not be loaded (${failure})`);
        const answer = await ANSWERS[type](/** @type {never} */ (question));
        post({ type: "answer", id, answer });
    } catch (error) {
        post({ type: "refused", id, message: reason(error) });
    }
}

/**
 * @param {File} file
 * @returns {Promise<Explained>}
 */
async function explain(file) {
    const bytes = await read(file);
    const started = performance.now();
    const { device, value } = await onBest(1, async (classifier) => {
        try {
            return await classifier.explain(bytes);
        } catch (error) {
            if (!(error instanceof Error && error.name === "NoHeatmaps")) throw error;
            return { predictions: await classifier.classify(bytes), heatmaps: null };
        }
    });
    return { device, milliseconds: performance.now() - started, ...value };
}

/**
 * @param {File[]} files
 * @returns {Promise<Classified>}
 */
async function classify(files) {
    const contents = await Promise.all(files.map((file) => read(file).catch((error) => Error(reason(error)))));
    const readable = contents.filter((content) => content instanceof Uint8Array);
    const { device, value } = await onBest(readable.length, (classifier) => classifier.classifyAll(readable));
    let next = 0;
    const predictions = contents.map((content) => (content instanceof Error ? content : value[next++]));
    const answers = predictions.map(async (predictions, index) => {
        if (!Array.isArray(predictions)) return { error: reason(predictions) };
        const file = files[index];
        return { predictions, thumbnail: file ? await thumbnail(file) : null };
    });
    return { device, results: await Promise.all(answers) };
}

/** @param {Blob} file */
async function inspect(file) {
    const found = await cpuPackage.Classifier.open(new Uint8Array(await file.arrayBuffer()));
    const { manifest } = found;
    found.free();
    return manifest;
}

/**
 * @param {File} file
 * @returns {Promise<Uint8Array>}
 */
async function read(file) {
    if (file.size > LARGEST_FILE) {
        throw new Error(`the file has ${Math.round(file.size / 1e6)} MB, more than the ${LARGEST_FILE / 1e6} MB that are read`);
    }
    return new Uint8Array(await file.arrayBuffer());
}

/** Kinds of error that are the poster's or the network's, and not the device's. */
const NOT_THE_DEVICES = ["EmptyImage", "UnknownImageFormat", "ImageTooLarge", "DamagedImage", "NoHeatmaps"];

/**
 * Asks the GPU where there is one that works, otherwise the CPU.
 *
 * @template T
 * @param {number} posters
 * @param {(classifier: Classifier) => Promise<T>} work
 * @returns {Promise<{ device: DeviceName, value: T }>}
 */
async function onBest(posters, work) {
    if (gpu) {
        try {
            return { device: "webgpu", value: await within(PATIENCE.poster * Math.max(posters, 1), work(gpu)) };
        } catch (error) {
            if (error instanceof Error && NOT_THE_DEVICES.includes(error.name)) throw error;
            gpu = undefined;
            if (retry) setTimeout(retry, PAUSE);
            post({ type: "device", device: "cpu", reason: `WebGPU failed: ${reason(error)}. It is tried again in a minute.` });
        }
    }
    return { device: "cpu", value: await work(cpu) };
}

/** Told when the GPU's device is lost: what waits for it would wait for ever. @type {Set<(error: Error) => void>} */
const lossListeners = new Set();

/** @param {Error} error */
function lose(error) {
    for (const listener of lossListeners) listener(error);
}

// Burn asks for the device itself. It hears nothing of its loss, and stops at what the device refuses, memory first of all.
if (globalThis.GPUAdapter) {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (/** @type {GPUDeviceDescriptor | undefined} */ descriptor) {
        const device = await request.call(this, descriptor);
        device.lost.then(({ message }) => lose(new Error(`the device was lost (${message || "no reason given"})`)));
        device.addEventListener("uncapturederror", ({ error }) => lose(new Error(`the device refuses (${reason(error.message)})`)));
        return device;
    };
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
        lossListeners.add(reject);
        work.then(resolve, reject).finally(() => {
            clearTimeout(timer);
            lossListeners.delete(reject);
        });
    });
}

/**
 * The first line of what went wrong: behind it a device tells its own story, causes and backtrace.
 *
 * @param {unknown} error
 */
function reason(error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.split("\n", 1)[0] ?? message;
}
