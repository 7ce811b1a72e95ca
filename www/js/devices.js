/**
 * Decides whether the CPU or the GPU classifies. The CPU is ready first. The GPU takes over once its predictions for a
 * test poster agree with the CPU's and it computes them faster. After any failure of the GPU the CPU classifies again.
 *
 * @import { DeviceName, Prediction } from "./messages.js"
 * @import { Model } from "./loading.js"
 * @import { Classifier } from "../pkg/cpu/marquee.js"
 */

import * as download from "./download.js";
import { firstLine } from "./errors.js";
import { watchGpu } from "./gpu.js";
import { downloadPackage, openPackage } from "./loading.js";
import { SAMPLES } from "./samples.js";
import { strings } from "./strings/index.js";

const TEST_POSTER = SAMPLES[0]?.file ?? "";

/** Largest accepted difference between the devices' probabilities. */
const TOLERANCE = 1e-3;

/** Milliseconds after which a GPU without a result has failed. The first run compiles shaders. */
const TIMEOUT = { firstRun: 120_000, poster: 20_000 };

/** Milliseconds until a failed GPU is tried again. */
const RETRY_AFTER = 60_000;

/** Names of errors that a poster or model causes on any device. */
const INPUT_ERRORS = ["EmptyImage", "UnknownImageFormat", "ImageTooLarge", "DamagedImage", "NoHeatmaps"];

/** Rejects the work that waits for the GPU. @type {Set<(error: Error) => void>} */
const waiting = new Set();

watchGpu({ onLost: failGpu, onError: failGpu });

/** Fails all work that the GPU has not finished; it would wait forever. @param {Error} error */
export function failGpu(error) {
    for (const reject of waiting) reject(error);
}

export class Devices {
    #model;
    #onChange;
    /** @type {Classifier | undefined} */
    #gpu;
    /** Tries the GPU again; undefined unless it has worked. @type {(() => void) | undefined} */
    #retry;

    /**
     * @param {Model} model
     * @param {Classifier} cpu
     * @param {(device: DeviceName, reason: string) => void} onChange  receives the device used from now on, and why
     */
    constructor(model, cpu, onChange) {
        this.#model = model;
        this.cpu = cpu;
        this.#onChange = onChange;
    }

    /** Starts the GPU and uses it if it is correct and faster. @param {boolean} forced  use it even if it is slower */
    async startGpu(forced) {
        this.#retry = undefined;
        try {
            if (!navigator.gpu) throw new Error(strings.worker.noWebGpu);
            const adapter = await navigator.gpu.requestAdapter();
            if (!adapter) throw new Error(strings.worker.noGpu);
            const [wasm, poster] = await Promise.all([downloadPackage("gpu"), download.bytes(TEST_POSTER)]);
            const { Classifier } = await openPackage("gpu", wasm);
            const gpu = await gpuWork(TIMEOUT.firstRun, this.#model.open(Classifier));
            const onGpu = await gpuWork(TIMEOUT.firstRun, gpu.classify(poster));
            const difference = largestDifference(onGpu, await this.cpu.classify(poster));
            if (!(difference <= TOLERANCE)) throw new Error(strings.worker.gpuWrong(difference));
            if (!forced) {
                const [gpuTime, cpuTime] = [await fastest(gpu, poster), await fastest(this.cpu, poster)];
                if (gpuTime > cpuTime) {
                    gpu.free();
                    this.#onChange("cpu", strings.worker.cpuFaster(cpuTime, gpuTime));
                    return;
                }
            }
            this.#gpu = gpu;
            this.#retry = () => this.startGpu(forced);
            this.#onChange("webgpu", "");
        } catch (error) {
            this.#onChange("cpu", strings.worker.gpuUnused(firstLine(error)));
        }
    }

    /**
     * Runs work on the GPU if it is in use, otherwise or after its failure on the CPU.
     *
     * @template T
     * @param {number} posters  how many the work classifies
     * @param {(classifier: Classifier) => Promise<T>} work
     * @returns {Promise<{ device: DeviceName, value: T }>}
     */
    async run(posters, work) {
        if (this.#gpu) {
            try {
                return { device: "webgpu", value: await gpuWork(TIMEOUT.poster * Math.max(posters, 1), work(this.#gpu)) };
            } catch (error) {
                if (error instanceof Error && INPUT_ERRORS.includes(error.name)) throw error;
                this.#gpu = undefined;
                if (this.#retry) setTimeout(this.#retry, RETRY_AFTER);
                this.#onChange("cpu", strings.worker.gpuFailed(firstLine(error)));
            }
        }
        return { device: "cpu", value: await work(this.cpu) };
    }
}

/**
 * Returns the milliseconds that a poster takes: the better of two runs.
 *
 * @param {Classifier} classifier
 * @param {Uint8Array} poster
 */
async function fastest(classifier, poster) {
    let best = Infinity;
    for (let run = 0; run < 2; run++) {
        const started = performance.now();
        await gpuWork(TIMEOUT.poster, classifier.classify(poster));
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

/**
 * Rejects work that takes too long, and work that is pending when the GPU fails.
 *
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function gpuWork(milliseconds, work) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(strings.worker.timeout(milliseconds / 1000))), milliseconds);
        waiting.add(reject);
        work.then(resolve, reject).finally(() => {
            clearTimeout(timer);
            waiting.delete(reject);
        });
    });
}
