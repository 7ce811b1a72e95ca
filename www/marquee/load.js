/**
 * Loads the package: downloads wasm and model once, and starts workers from them. What differs between browsers and
 * Node.js is in a `Platform`. What the first answer does not need is imported when it is used.
 *
 * @import { DeviceName, FineTunerOptions, LoadOptions, ModelSource } from "./api.js"
 * @import { PackageName } from "./assets.js"
 * @import { AnyWorker } from "./connection.js"
 * @import { Fetch } from "./download.js"
 * @import { Start } from "./messages.js"
 * @import { ModelParts } from "./model.js"
 * @import { Connect } from "./pool.js"
 */

import { Assets, wasmPath, whyMissing } from "./assets.js";
import { Connection } from "./connection.js";
import { Devices } from "./devices.js";
import { Progress, checkedBytes } from "./download.js";
import { abortable, failure, firstLine } from "./errors.js";
import { Marquee } from "./marquee.js";
import { downloadModel, modelRule } from "./model.js";
import { callback, check, positive, signalRule } from "./options.js";
import { Pool } from "./pool.js";

/**
 * @typedef {PackageName | "gpu-teach"} WorkerKind  "gpu-teach" fine-tunes on the GPU
 *
 * @typedef {object} Platform
 * @property {Fetch} fetch
 * @property {(kind: WorkerKind, assets: Assets) => AnyWorker} startWorker
 * @property {() => number} workers  as many as are good
 */

/** @satisfies {Record<keyof LoadOptions, import("./options.js").Rule>} */
const LOAD_OPTIONS = {
    device: ["auto", "cpu", "webgpu"],
    workers: { is: (/** @type {any} */ value) => value === "auto" || positive.is(value), what: '"auto" or a whole number above 0' },
    model: modelRule,
    onProgress: callback,
    onDevice: callback,
    signal: signalRule,
    assets: { is: (/** @type {any} */ value) => typeof value === "string" || value instanceof URL, what: "an address" },
};

/** Those of `fineTuner` besides the wasm package's, which checks its own. */
const FINE_TUNER_OPTIONS = { device: ["cpu", "webgpu"], model: modelRule, onProgress: callback, signal: signalRule };

/** The smallest module with an instruction of SIMD: `i8x16.splat(0)`. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

/**
 * A module with relaxed SIMD. Its function `f` returns the sum of four products of two bytes, one of 8 bits and one of
 * 7, by `i32x4.relaxed_dot_i8x16_i7x16_add_s`.
 */
const RELAXED_SIMD = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 22, 1, 20, 0,
    32, 0, 253, 15, 32, 1, 253, 15, 65, 0, 253, 17, 253, 147, 2, 253, 27, 0, 11,
];

/**
 * @param {Platform} platform
 * @param {LoadOptions} [options]
 * @returns {Promise<Marquee>}
 */
export async function load(platform, options) {
    check("load", options, LOAD_OPTIONS);
    const { device = "auto", workers = "auto", model, onProgress, onDevice = () => {}, signal, assets } = options ?? {};
    signal?.throwIfAborted();
    if (!runs(SIMD)) throw failure("no-simd");
    const size = workers === "auto" ? platform.workers() : workers;
    // Ends every download when one fails: nothing goes on after a rejection.
    const ended = new AbortController();
    const from = new Package(platform, new Assets(assets), size);
    /** @type {Devices | undefined} */
    let devices;
    try {
        const progress = new Progress(onProgress);
        const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
        const cpu = new Pool(from.prepare("cpu", model, progress, both).connect, { size });
        const opened = new Devices(cpu, (gone) => from.prepare("webgpu", undefined, device === "webgpu" ? progress : new Progress(undefined), gone), onDevice);
        devices = opened;
        const { manifest } = await abortable(cpu.ready, signal);
        if (!manifest) throw failure("worker-failed", { reason: "it has no model" });
        const marquee = new Marquee(from, opened, manifest);
        if (device === "cpu") {
            onDevice("cpu", null);
        } else {
            const started = opened.startGpu(manifest, device === "webgpu");
            // Who chose WebGPU waits for it; otherwise the CPU classifies meanwhile.
            if (device === "webgpu") await abortable(started, signal);
        }
        return marquee;
    } catch (error) {
        ended.abort();
        devices?.close();
        throw error;
    }
}

/**
 * Starts a fine-tuner without a classifier.
 *
 * @param {Platform} platform
 * @param {FineTunerOptions & Pick<LoadOptions, "assets">} [options]
 */
export async function fineTuner(platform, options) {
    const { assets, ...rest } = options ?? {};
    check("fineTuner", { assets }, { assets: LOAD_OPTIONS.assets });
    if (!runs(SIMD)) throw failure("no-simd");
    return new Package(platform, new Assets(assets), 1).fineTuner(rest, () => {});
}

/** The package's files, as far as they are downloaded. */
export class Package {
    #platform;
    #assets;
    /** The instance's model, for every worker. @type {ModelParts | undefined} */
    #model;

    /**
     * @param {Platform} platform
     * @param {Assets} assets
     * @param {number} workers  most of them
     */
    constructor(platform, assets, workers) {
        this.#platform = platform;
        this.#assets = assets;
        this.workers = workers;
        this.fetch = platform.fetch;
    }

    /**
     * Begins to download what a device's workers need. Returns a function that starts one, at once or later.
     *
     * @param {DeviceName} device
     * @param {ModelSource | null | undefined} model  undefined is the instance's, once it has one
     * @param {Progress} progress
     * @param {AbortSignal} signal
     * @returns {{ connect: Connect, downloaded: Promise<unknown> }}
     */
    prepare(device, model, progress, signal) {
        const kind = device === "cpu" ? cpuPackage() : "gpu";
        const start = this.#start(kind, { device, fineTune: null }, model, progress, signal);
        start.then((message) => (this.#model = message.model), () => {});
        return { downloaded: start, connect: (onEnd) => new Connection(this.#platform.startWorker(kind, this.#assets), start, onEnd) };
    }

    /**
     * Starts a fine-tuner's worker.
     *
     * @param {FineTunerOptions} options
     * @param {() => void} onClose
     */
    async fineTuner(options, onClose) {
        const { device = "cpu", model, onProgress, signal = new AbortController().signal, ...fineTune } = options;
        check("fineTuner", { device, model, onProgress, signal }, FINE_TUNER_OPTIONS);
        signal.throwIfAborted();
        const kind = device === "cpu" ? "teach" : "gpu";
        const start = this.#start(kind, { device, fineTune }, model, new Progress(onProgress), signal);
        const worker = this.#platform.startWorker(kind === "gpu" ? "gpu-teach" : kind, this.#assets);
        const connection = new Connection(worker, start);
        try {
            const [{ genres }, { FineTuner }] = await Promise.all([abortable(connection.ready, signal), import("./fine-tuner.js")]);
            return new FineTuner(connection, { genres, device, fetch: this.fetch, onClose });
        } catch (error) {
            connection.close();
            throw error;
        }
    }

    /**
     * Returns the message that starts a worker, once its files are downloaded.
     *
     * @param {PackageName} name
     * @param {Pick<Start, "device" | "fineTune">} message
     * @param {ModelSource | null | undefined} model
     * @param {Progress} progress
     * @param {AbortSignal} signal
     * @returns {Promise<Start>}
     */
    #start(name, message, model, progress, signal) {
        const missing = whyMissing(name);
        if (missing) throw missing;
        const request = { assets: this.#assets, fetch: this.fetch, signal, progress };
        const parts = model === undefined && this.#model ? this.#model : downloadModel(model, request);
        const files = Promise.all([this.#compile(name, progress, signal), parts]);
        const start = files.then(([wasm, model]) => /** @type {Start} */ ({ type: "start", ...message, wasm, model }));
        start.catch(() => {}); // the worker reports it
        return start;
    }

    /**
     * Downloads and compiles a wasm package: once, for all its workers.
     *
     * @param {PackageName} name
     * @param {Progress} progress
     * @param {AbortSignal} signal
     */
    async #compile(name, progress, signal) {
        const path = wasmPath(name);
        const expected = this.#assets.expected(path);
        progress.expect(1, expected?.bytes ?? 0);
        const wasm = await checkedBytes(this.fetch, this.#assets.url(path), { path, isOurs: true, signal, progress, expected });
        signal.throwIfAborted();
        try {
            return await WebAssembly.compile(wasm);
        } catch (error) {
            throw failure("not-found", { path, reason: firstLine(error) });
        }
    }
}

/** Returns the package that classifies fastest here. Both have the same results. @returns {PackageName} */
function cpuPackage() {
    return multipliesBytes() && !whyMissing("cpu-relaxed") ? "cpu-relaxed" : "cpu";
}

/** Whether this engine has relaxed SIMD and its result is right: that of V8 11.3, which has it behind a flag, is wrong. */
function multipliesBytes() {
    if (!runs(RELAXED_SIMD)) return false;
    try {
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(RELAXED_SIMD)));
        return /** @type {(left: number, right: number) => number} */ (exports.f)(-127, 127) === 4 * -127 * 127;
    } catch {
        return false; // the page's policy forbids WebAssembly, which the package reports
    }
}

/** Whether this engine runs a module. Every browser has SIMD since 2023, not every one relaxed SIMD. @param {number[]} module */
function runs(module) {
    return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(module));
}
