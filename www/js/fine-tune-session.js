/**
 * The page's side of one fine-tuning: starts the worker, passes on its messages, and starts again on the CPU if the GPU
 * fails.
 *
 * @import { FineTuneJob, FromFineTuner, ToFineTuner } from "./messages.js"
 */

import { strings } from "./strings/index.js";

export class FineTuneSession {
    /** @type {FineTuneJob} */
    #job;
    #onMessage;
    #onFallback;
    /** @type {Worker} */
    #worker;

    /**
     * Starts at once.
     *
     * @param {FineTuneJob} job
     * @param {(message: FromFineTuner) => void} onMessage  the last message is "finished" or "failed"
     * @param {(reason: string) => void} onFallback  receives why training restarts on the CPU
     */
    constructor(job, onMessage, onFallback) {
        this.#job = job;
        this.#onMessage = onMessage;
        this.#onFallback = onFallback;
        this.#worker = this.#start();
    }

    pause() {
        this.#send({ type: "pause" });
    }

    resume() {
        this.#send({ type: "resume" });
    }

    /** Ends the training after the current step; the model trained so far is the result. */
    stop() {
        this.#send({ type: "stop" });
    }

    #start() {
        const worker = new Worker(new URL("fine-tune-worker.js", import.meta.url), { type: "module" });
        const fail = (/** @type {string} */ message) => {
            worker.terminate();
            if (this.#job.device === "webgpu") {
                this.#job = { ...this.#job, device: "cpu" };
                this.#onFallback(message);
                this.#worker = this.#start();
            } else {
                this.#onMessage({ type: "failed", message });
            }
        };
        worker.addEventListener("message", ({ data }) => {
            /** @type {FromFineTuner} */
            const message = data;
            if (message.type === "failed") {
                fail(message.message);
                return;
            }
            if (message.type === "finished") worker.terminate();
            this.#onMessage(message);
        });
        worker.addEventListener("error", ({ message }) => fail(message || strings.worker.notLoaded));
        /** @type {ToFineTuner} */
        const start = { type: "start", job: this.#job };
        worker.postMessage(start);
        return worker;
    }

    /** @param {ToFineTuner} message */
    #send(message) {
        this.#worker.postMessage(message);
    }
}
