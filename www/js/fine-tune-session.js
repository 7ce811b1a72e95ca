/**
 * One fine-tuning on the page: trains, and in between evaluates and saves checkpoints. Starts again on the CPU if the
 * GPU fails.
 *
 * @import { FineTuneEvent, FineTuneJob } from "./messages.js"
 * @import { FineTuner } from "../marquee/api.js"
 */

import { fineTuner } from "../marquee/index.js";
import { message } from "./errors.js";

/** Milliseconds between two checkpoints. */
const CHECKPOINT_INTERVAL = 2000;

/** Least milliseconds between two evaluations. */
const EVALUATION_INTERVAL = 500;

/** Training takes at least this many times as long as evaluation. */
const TRAINING_PER_EVALUATION = 10;

/** Posters whose features are computed between two reports. */
const POSTERS_PER_REPORT = 2;

export class FineTuneSession {
    /** @type {FineTuneJob} */
    #job;
    #onEvent;
    #onFallback;
    #isPaused = false;
    #isStopped = false;
    /** Ends a pause. */
    #wake = () => {};
    /** @type {FineTuner | undefined} */
    #tuner;

    /**
     * Starts at once.
     *
     * @param {FineTuneJob} job
     * @param {(event: FineTuneEvent) => void} onEvent  the last one is "finished" or "failed"
     * @param {(reason: string) => void} onFallback  receives why training restarts on the CPU
     */
    constructor(job, onEvent, onFallback) {
        this.#job = job;
        this.#onEvent = onEvent;
        this.#onFallback = onFallback;
        this.#start();
    }

    pause() {
        this.#isPaused = true;
        this.#tuner?.pause();
    }

    resume() {
        this.#isPaused = false;
        this.#wake();
    }

    /** Ends the training after the current step; the model trained so far is the result. */
    stop() {
        this.#isStopped = true;
        this.#isPaused = false;
        this.#tuner?.pause();
        this.#wake();
    }

    async #start() {
        try {
            await this.#run();
        } catch (error) {
            if (this.#job.device === "cpu") {
                this.#onEvent({ type: "failed", message: message(error) });
                return;
            }
            this.#job = { ...this.#job, device: "cpu" };
            this.#onFallback(message(error));
            await this.#start();
        }
    }

    async #run() {
        const { base, device, options, renamed } = this.#job;
        const tuner = await fineTuner({ ...options, model: base, device });
        this.#tuner = tuner;
        try {
            await this.#addPosters(tuner);
            if (!this.#isStopped) await this.#train(tuner);
            const report = await evaluate(tuner);
            // Last, because labels use the old names.
            for (const [from, to] of renamed) await tuner.rename(from, to);
            this.#onEvent({ type: "finished", file: await tuner.export(), report });
        } finally {
            this.#tuner = undefined;
            tuner.close();
        }
    }

    /** @param {FineTuner} tuner */
    async #addPosters(tuner) {
        const { posters } = this.#job;
        for (let first = 0; first < posters.length && !this.#isStopped; first += POSTERS_PER_REPORT) {
            const some = posters.slice(first, first + POSTERS_PER_REPORT);
            const errors = await tuner.add(some.map(({ file, labels }) => ({ input: file, labels })));
            errors.forEach((error, index) => {
                if (error) this.#onEvent({ type: "rejected", name: some[index]?.name ?? "", message: message(error) });
            });
            this.#onEvent({ type: "prepared", posters: Math.min(first + POSTERS_PER_REPORT, posters.length), of: posters.length });
        }
    }

    /** Trains until the last step or until the visitor stops. @param {FineTuner} tuner */
    async #train(tuner) {
        let nextCheckpoint = performance.now() + CHECKPOINT_INTERVAL;
        let nextEvaluation = performance.now(); // at once, so that a short training shows results too
        for (;;) {
            const { step, steps } = await tuner.train({
                onProgress: (progress) => {
                    this.#onEvent({ type: "progress", progress });
                    if (this.#isPaused || performance.now() >= Math.min(nextCheckpoint, nextEvaluation)) tuner.pause();
                },
            });
            if (this.#isStopped || step === steps) return;
            if (performance.now() >= nextEvaluation) {
                const started = performance.now();
                this.#onEvent({ type: "evaluated", report: await evaluate(tuner) });
                const ended = performance.now();
                nextEvaluation = ended + Math.max(EVALUATION_INTERVAL, TRAINING_PER_EVALUATION * (ended - started));
            }
            if (this.#isPaused || performance.now() > nextCheckpoint) {
                this.#onEvent({ type: "checkpoint", step, steps, file: await tuner.export() });
                nextCheckpoint = performance.now() + CHECKPOINT_INTERVAL;
            }
            while (this.#isPaused) await /** @type {Promise<void>} */ (new Promise((resolve) => (this.#wake = resolve)));
        }
    }
}

/** Returns the held-out metrics; null where there are none. @param {FineTuner} tuner */
function evaluate(tuner) {
    return tuner.evaluate().catch(() => null);
}
