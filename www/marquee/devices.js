/**
 * Decides whether the CPU or the GPU classifies. The CPU is ready first. The GPU takes over once its predictions for a
 * test picture agree with the CPU's and it computes them faster. After any failure of the GPU the CPU classifies again.
 *
 * @import { DeviceName, Manifest } from "./api.js"
 * @import { Connect } from "./pool.js"
 * @import { Measured, Methods } from "./messages.js"
 */

import { MarqueeError, failure, firstLine } from "./errors.js";
import { Pool } from "./pool.js";

/** Largest accepted difference between the devices' probabilities. */
const TOLERANCE = 1e-3;

/** Milliseconds after which a GPU without a result has failed. The first run compiles shaders. */
const TIMEOUT = { firstRun: 120_000, poster: 20_000 };

/** Milliseconds until a failed GPU is tried again. */
const RETRY_AFTER = 60_000;

/** Runs of which the fastest is measured. */
const RUNS = 2;

/** Posters in one request of a batch: one for the CPU, so that another poster need not wait; enough to keep a GPU busy. */
export const GROUP = { cpu: 1, webgpu: 4 };

/**
 * @typedef {object} Request
 * @property {number} posters  how many it classifies
 * @property {boolean} [urgent]
 * @property {AbortSignal | undefined} [signal]
 */

export class Devices {
    #cpu;
    #prepareGpu;
    #onChange;
    /** @type {Pool | undefined} */
    #gpu;
    /** The GPU while it is being tried. @type {Pool | undefined} */
    #candidate;
    /** Milliseconds that a poster takes. */
    #speed = { cpu: 0, webgpu: 0 };
    #isForced = false;
    /** Posters that the GPU has not finished. */
    #postersOnGpu = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #retry;
    #closed = new AbortController();

    /**
     * @param {Pool} cpu
     * @param {(signal: AbortSignal) => { connect: Connect, downloaded: Promise<unknown> }} prepareGpu  begins to download
     *     what the GPU's worker needs
     * @param {(device: DeviceName, reason: MarqueeError | null) => void} onChange  receives the device used from now on,
     *     and why it is not another
     */
    constructor(cpu, prepareGpu, onChange) {
        this.#cpu = cpu;
        this.#prepareGpu = prepareGpu;
        this.#onChange = onChange;
    }

    /** The device that classifies one poster. @returns {DeviceName} */
    get current() {
        return this.#gpu ? "webgpu" : "cpu";
    }

    /** The device that classifies batches: one GPU may be faster than one core and slower than all. @returns {DeviceName} */
    get forBatches() {
        const isFaster = this.#isForced || this.#speed.webgpu < this.#speed.cpu / this.#cpu.size;
        return this.#gpu && isFaster ? "webgpu" : "cpu";
    }

    /**
     * Starts the GPU, and uses it if it is correct and faster.
     *
     * @param {Manifest} manifest
     * @param {boolean} isForced  use it even if it is slower
     */
    async startGpu(manifest, isForced) {
        this.#isForced = isForced;
        try {
            const webGpu = globalThis.navigator?.gpu; // Node.js has none
            if (!webGpu) throw failure("no-webgpu");
            if (!(await webGpu.requestAdapter())) throw failure("no-gpu");
            if (this.#closed.signal.aborted) return;
            const { connect, downloaded } = this.#prepareGpu(this.#closed.signal);
            const gpu = new Pool(connect, { size: 1, replaces: false });
            this.#candidate = gpu;
            await downloaded;
            await within(TIMEOUT.firstRun, gpu.ready);
            const picture = testPicture(manifest.input);
            const onGpu = await within(TIMEOUT.firstRun, gpu.run("measure", { ...picture, runs: isForced ? 0 : RUNS }));
            const onCpu = await this.#cpu.run("measure", { ...picture, runs: isForced ? 0 : RUNS });
            const difference = largestDifference(onGpu, onCpu);
            if (!(difference <= TOLERANCE)) throw failure("gpu-wrong", { difference });
            this.#speed = { cpu: onCpu.milliseconds, webgpu: onGpu.milliseconds };
            if (!isForced && onGpu.milliseconds > onCpu.milliseconds) {
                this.#closeCandidate();
                this.#change("cpu", failure("cpu-faster", { cpu: onCpu.milliseconds, gpu: onGpu.milliseconds }));
                return;
            }
            this.#candidate = undefined;
            this.#gpu = gpu;
            gpu.onEnd = (error) => this.#failGpu(gpu, error, manifest);
            this.#change("webgpu", null);
        } catch (error) {
            this.#closeCandidate();
            this.#change("cpu", failure("gpu-unused", { reason: known(error) }));
        }
    }

    /**
     * Runs a request on the GPU if it is in use, otherwise or after its failure on the CPU.
     *
     * @template {keyof Methods} K
     * @param {K} method
     * @param {Methods[K]["argument"]} argument
     * @param {Request & { device?: DeviceName }} request  `device` "cpu" does not ask the GPU
     * @returns {Promise<{ device: DeviceName, value: Methods[K]["result"] }>}
     */
    async run(method, argument, { posters, device = this.current, ...options }) {
        const gpu = device === "webgpu" ? this.#gpu : undefined;
        if (gpu) {
            try {
                // Requests before this one take their time, too.
                this.#postersOnGpu += posters;
                const limit = TIMEOUT.poster * this.#postersOnGpu;
                const value = await within(limit, gpu.run(method, argument, options)).finally(() => (this.#postersOnGpu -= posters));
                return { device: "webgpu", value };
            } catch (error) {
                options.signal?.throwIfAborted();
                if (this.#closed.signal.aborted) throw error;
                gpu.close(known(error));
            }
        }
        return { device: "cpu", value: await this.#cpu.run(method, argument, options) };
    }

    close() {
        this.#closed.abort(failure("closed"));
        clearTimeout(this.#retry);
        this.#closeCandidate();
        if (this.#gpu) this.#gpu.onEnd = () => {};
        this.#gpu?.close();
        this.#gpu = undefined;
        this.#cpu.close();
    }

    /**
     * @param {Pool} gpu
     * @param {Error} error
     * @param {Manifest} manifest
     */
    #failGpu(gpu, error, manifest) {
        if (this.#gpu !== gpu) return;
        this.#gpu = undefined;
        this.#retry = setTimeout(() => this.startGpu(manifest, this.#isForced), RETRY_AFTER);
        this.#change("cpu", failure("gpu-failed", { reason: known(error) }));
    }

    #closeCandidate() {
        this.#candidate?.close();
        this.#candidate = undefined;
    }

    /**
     * @param {DeviceName} device
     * @param {MarqueeError | null} reason
     */
    #change(device, reason) {
        if (!this.#closed.signal.aborted) this.#onChange(device, reason);
    }
}

/** @param {unknown} error @returns {MarqueeError} */
function known(error) {
    if (error instanceof MarqueeError) return error.code === "crashed" ? new MarqueeError("gpu-crashed", error.details) : error;
    return new MarqueeError("error", {}, firstLine(error));
}

/**
 * Returns a picture at the model's input size on which the devices are compared: waves of colour, the same every time.
 *
 * @param {{ width: number, height: number }} size
 */
function testPicture({ width, height }) {
    const data = new Uint8ClampedArray(4 * width * height);
    for (let index = 0; index < width * height; index++) {
        const [x, y] = [index % width, Math.floor(index / width)];
        data.set([128 + 127 * Math.sin(x / 7 + y / 31), 128 + 127 * Math.sin(y / 11), 128 + 127 * Math.sin((x * y) / 997), 255], 4 * index);
    }
    return { data, width, height };
}

/**
 * @param {Measured} some
 * @param {Measured} others
 */
function largestDifference({ predictions: some }, { predictions: others }) {
    const probabilities = new Map(others.map(({ genre, probability }) => [genre, probability]));
    return Math.max(...some.map(({ genre, probability }) => Math.abs(probability - (probabilities.get(genre) ?? NaN))));
}

/**
 * Rejects work that takes too long.
 *
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function within(milliseconds, work) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(failure("timeout", { seconds: milliseconds / 1000 })), milliseconds);
        work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}
