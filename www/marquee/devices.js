/**
 * Decides whether the CPU or the GPU classifies. The CPU is ready first. The GPU takes over once its predictions for a
 * test picture agree with the CPU's and it computes them faster. Both are measured while nothing else runs, and again
 * later if the GPU was slower. After any failure of the GPU the CPU classifies again.
 *
 * @import { DeviceName, Manifest } from "./api.js"
 * @import { Connect } from "./pool.js"
 * @import { Measured, Methods } from "./messages.js"
 */

import { MarqueeError, failure, firstLine } from "./errors.js";
import { Pool } from "./pool.js";

/**
 * Largest accepted difference between the devices' probabilities. The CPU rounds the inputs of its layers to 7 bits, which
 * moved a probability of 705 posters by 0.058 at most; a GPU that computes wrong results is further off.
 */
const TOLERANCE = 0.06;

/** Milliseconds after which a GPU without a result has failed. The first run compiles shaders. */
const TIMEOUT = { firstRun: 120_000, poster: 20_000 };

/** Milliseconds until a failed GPU is tried again. */
const RETRY_AFTER = 60_000;

/** Runs of which the fastest is measured. */
const RUNS = 2;

/** A GPU that takes so many times as long, measured beside other work, is slower without a closer look. */
const CLEARLY_SLOWER = 4;

/** Attempts to measure without a poster in between. */
const ATTEMPTS = 3;

/** Milliseconds until a GPU that was slower is measured again, and how many times as long the next pauses are. */
const MEASURE_AGAIN = { after: 120_000, growth: 5 };

/** Most measurements of one GPU. */
const MOST_MEASUREMENTS = 4;

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
    #measurements = 0;
    /** Resolves when batches may go on: they wait while the devices are measured. @type {Promise<void> | undefined} */
    #measuring;
    /** Requests under way, and how many have begun. */
    #requests = { running: 0, begun: 0 };
    /** Called once no request is under way. @type {(() => void)[]} */
    #whenQuiet = [];
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
            // The GPU compiles its shaders in the first run.
            const runs = isForced ? 0 : 1;
            const onGpu = await within(TIMEOUT.firstRun, gpu.run("measure", { ...picture, runs }));
            const onCpu = await this.#cpu.run("measure", { ...picture, runs });
            const difference = largestDifference(onGpu, onCpu);
            if (!(difference <= TOLERANCE)) throw failure("gpu-wrong", { difference });
            this.#speed = { cpu: onCpu.milliseconds, webgpu: onGpu.milliseconds };
            if (!isForced) {
                this.#measurements++;
                if (onGpu.milliseconds <= CLEARLY_SLOWER * onCpu.milliseconds) this.#speed = await this.#measure(gpu, picture);
            }
            const { cpu, webgpu } = this.#speed;
            if (!isForced && webgpu > cpu) {
                this.#closeCandidate();
                this.#measureAgain(manifest);
                this.#change("cpu", failure("cpu-faster", { cpu, gpu: webgpu }));
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
    async run(method, argument, { posters, device, ...options }) {
        while (this.#measuring && !options.urgent) {
            await this.#measuring;
            options.signal?.throwIfAborted();
        }
        this.#requests.running++;
        this.#requests.begun++;
        try {
            return await this.#run(method, argument, { posters, device: device ?? this.current, ...options });
        } finally {
            this.#requests.running--;
            if (!this.#requests.running) for (const resolve of this.#whenQuiet.splice(0)) resolve();
        }
    }

    /**
     * @template {keyof Methods} K
     * @param {K} method
     * @param {Methods[K]["argument"]} argument
     * @param {Request & { device: DeviceName }} request
     * @returns {Promise<{ device: DeviceName, value: Methods[K]["result"] }>}
     */
    async #run(method, argument, { posters, device, ...options }) {
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
     * Measures both devices, one after the other, while nothing else runs. Batches wait meanwhile; a poster that a visitor
     * waits for does not, and the measurement is repeated.
     *
     * @param {Pool} gpu
     * @param {ReturnType<typeof testPicture>} picture
     */
    async #measure(gpu, picture) {
        let speed = this.#speed;
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
            let goOn = () => {};
            this.#measuring = new Promise((resolve) => (goOn = resolve));
            try {
                if (this.#requests.running) await /** @type {Promise<void>} */ (new Promise((resolve) => this.#whenQuiet.push(resolve)));
                const { begun } = this.#requests;
                const onGpu = await within(TIMEOUT.poster, gpu.run("measure", { ...picture, runs: RUNS }));
                const onCpu = await this.#cpu.run("measure", { ...picture, runs: RUNS });
                speed = { cpu: onCpu.milliseconds, webgpu: onGpu.milliseconds };
                if (this.#requests.begun === begun) break;
            } finally {
                this.#measuring = undefined;
                goOn();
            }
        }
        return speed;
    }

    /** Tries a GPU that was slower again later: the machine may have been busy. @param {Manifest} manifest */
    #measureAgain(manifest) {
        if (this.#measurements >= MOST_MEASUREMENTS || this.#closed.signal.aborted) return;
        const pause = MEASURE_AGAIN.after * MEASURE_AGAIN.growth ** (this.#measurements - 1);
        this.#retry = setTimeout(() => this.startGpu(manifest, this.#isForced), pause);
        // Node.js would wait for it.
        if (typeof this.#retry === "object") this.#retry.unref?.();
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
