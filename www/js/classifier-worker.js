/**
 * The classifier's worker. It loads the model and handles requests in the order in which they arrive.
 *
 * @import { Classified, Explained, FromClassifier, Request, Requests, Start, ToClassifier } from "./messages.js"
 */

import { Devices, failGpu } from "./devices.js";
import { firstLine } from "./errors.js";
import { downloadPackage, findModel, openPackage, packageSize } from "./loading.js";
import { strings } from "./strings/index.js";
import { thumbnail } from "./thumbnail.js";

/** Largest file that is read, in bytes; a poster has a few hundred thousand. */
const LARGEST_FILE = 100e6;

/** @type {typeof import("../pkg/cpu/marquee.js")} */
let cpuPackage;
/** @type {Devices} */
let devices;
/** Why the model could not be loaded. */
let loadFailure = "";

/** @param {FromClassifier} message */
const post = (message) => self.postMessage(message);

/** Settles when all earlier messages are handled. */
let queue = Promise.resolve();

self.addEventListener("message", ({ data }) => {
    /** @type {ToClassifier} */
    const message = data;
    if (message.type === "start") {
        queue = start(message);
    } else {
        queue = queue.then(() => respond(message));
    }
});

// Long enough for a stack trace to reach the package that the error came from.
Error.stackTraceLimit = 100;

// WebAssembly that has trapped never responds and cannot be trusted again. The GPU's package is dropped like a lost
// device; for the CPU's, the page starts a new worker.
self.addEventListener("error", (event) => {
    event.preventDefault();
    const stack = event.error instanceof Error ? (event.error.stack ?? "") : "";
    if (stack.includes("/pkg/gpu/")) {
        failGpu(new Error(strings.worker.gpuCrashed(event.message)));
    } else {
        post({ type: "crashed", message: event.message });
    }
});

/** @param {Start} message */
async function start({ choice, model: file }) {
    try {
        const found = await findModel(file);
        const total = packageSize("cpu") + found.size;
        let loaded = 0;
        const count = (/** @type {number} */ bytes) => {
            loaded += bytes;
            post({ type: "progress", loaded, total });
        };
        const [wasm, model] = await Promise.all([downloadPackage("cpu", count), found.download(count)]);
        cpuPackage = await openPackage("cpu", wasm);
        const cpu = await model.open(cpuPackage.Classifier);
        devices = new Devices(model, cpu, (device, reason) => post({ type: "device", device, reason }));
        post({ type: "ready", manifest: cpu.manifest });
        if (choice === "cpu") {
            post({ type: "device", device: "cpu", reason: "" });
            return;
        }
        const gpuStarted = devices.startGpu(choice === "webgpu");
        // A visitor who chose WebGPU waits for it; otherwise the CPU responds meanwhile.
        if (choice === "webgpu") await gpuStarted;
    } catch (error) {
        loadFailure = firstLine(error);
        post({ type: "failed", message: loadFailure });
    }
}

/** @type {{ [K in keyof Requests]: (argument: Requests[K]["argument"]) => Requests[K]["result"] | Promise<Requests[K]["result"]> }} */
const HANDLERS = {
    explain,
    classify,
    readLabels: (csv) => cpuPackage.readLabels(csv),
    evaluate: (predictions) => devices.cpu.evaluate(predictions),
    inspect,
};

/** @param {Request} request */
async function respond({ type, id, argument }) {
    try {
        if (loadFailure) throw new Error(strings.worker.modelNotLoaded(loadFailure));
        const result = await HANDLERS[type](/** @type {never} */ (argument));
        post({ type: "response", id, result });
    } catch (error) {
        post({ type: "error", id, message: firstLine(error) });
    }
}

/**
 * @param {File} file
 * @returns {Promise<Explained>}
 */
async function explain(file) {
    const bytes = await read(file);
    const started = performance.now();
    const { device, value } = await devices.run(1, async (classifier) => {
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
    const contents = await Promise.all(files.map((file) => read(file).catch((error) => Error(firstLine(error)))));
    const readable = contents.filter((content) => content instanceof Uint8Array);
    const { device, value } = await devices.run(readable.length, (classifier) => classifier.classifyAll(readable));
    let next = 0;
    const outcomes = contents.map((content) => (content instanceof Error ? content : value[next++]));
    const results = outcomes.map(async (outcome, index) => {
        if (!Array.isArray(outcome)) return { error: firstLine(outcome) };
        const file = files[index];
        return { predictions: outcome, thumbnail: file ? await thumbnail(file) : null };
    });
    return { device, results: await Promise.all(results) };
}

/** @param {Blob} file */
async function inspect(file) {
    const classifier = await cpuPackage.Classifier.open(new Uint8Array(await file.arrayBuffer()));
    const { manifest } = classifier;
    classifier.free();
    return manifest;
}

/**
 * @param {File} file
 * @returns {Promise<Uint8Array>}
 */
async function read(file) {
    if (file.size > LARGEST_FILE) throw new Error(strings.worker.fileTooLarge(file.size, LARGEST_FILE));
    return new Uint8Array(await file.arrayBuffer());
}
