/**
 * The page's end of one worker: sends requests and settles their promises.
 *
 * @import { FineTuneProgress } from "./api.js"
 * @import { FromWorker, Methods, Ready, Start, ToWorker } from "./messages.js"
 */

import { failure, fromPlain } from "./errors.js";

/**
 * A Web Worker, or what stands in for one in Node.js.
 *
 * @typedef {object} AnyWorker
 * @property {((event: any) => void) | null} onmessage  receives an object with `data`
 * @property {((event: any) => void) | null} onerror
 * @property {(message: any) => void} postMessage
 * @property {() => void} terminate
 */

/**
 * Requests that ended with their worker. `running` is the one that was being handled; it may be the cause.
 *
 * @typedef {object} Ended
 * @property {Error} error
 * @property {number} running  0 if there was none, or if it is not known
 */

export class Connection {
    #worker;
    #onEnd;
    #lastId = 0;
    /** @type {Map<number, { resolve: (result: any) => void, reject: (error: unknown) => void, onProgress?: ((progress: FineTuneProgress) => void) | undefined }>} */
    #pending = new Map();
    /** @type {Resolvers<Ready>} */
    #ready;
    #isReady = false;
    /** Why the worker ended, if it has. @type {Error | undefined} */
    #reason;

    /**
     * @param {AnyWorker} worker
     * @param {Promise<Start>} start  what the worker needs; its script loads meanwhile
     * @param {(ended: Ended) => void} onEnd  called once, if the worker fails or crashes
     */
    constructor(worker, start, onEnd = () => {}) {
        this.#worker = worker;
        this.#onEnd = onEnd;
        this.#ready = withResolvers();
        this.#ready.promise.catch(() => {}); // it need not be awaited
        worker.onmessage = ({ data }) => this.#receive(data);
        worker.onerror = (event) => {
            event.preventDefault?.();
            const failed = failure("worker-failed", { reason: event.message ?? "" });
            // Where the whole package is missing, the download fails too, and its error says more.
            start.then(() => this.#end(failed, 0), (error) => this.#end(error, 0));
        };
        start.then((message) => this.#post(message), (error) => this.#end(error, 0));
    }

    /** Resolves once the worker can work, and rejects if it cannot start. */
    get ready() {
        return this.#ready.promise;
    }

    get isReady() {
        return this.#isReady && !this.#reason;
    }

    /** Whether the worker could work before it ended, if it has. */
    get wasReady() {
        return this.#isReady;
    }

    /**
     * Sends a request. Returns its id, its result, and a function that withdraws it.
     *
     * @template {keyof Methods} K
     * @param {K} method
     * @param {Methods[K]["argument"]} argument
     * @param {{ urgent?: boolean, onProgress?: ((progress: FineTuneProgress) => void) | undefined }} [options]
     * @returns {{ id: number, result: Promise<Methods[K]["result"]>, cancel: () => void }}
     */
    request(method, argument, { urgent = false, onProgress } = {}) {
        const id = ++this.#lastId;
        const result = new Promise((resolve, reject) => {
            if (this.#reason) {
                reject(this.#reason);
                return;
            }
            this.#pending.set(id, { resolve, reject, onProgress });
            this.#post(/** @type {ToWorker} */ ({ type: "request", id, method, argument, urgent }));
        });
        return { id, result, cancel: () => this.#post({ type: "cancel", id }) };
    }

    /** Ends a training after its current steps. */
    pause() {
        this.#post({ type: "pause" });
    }

    /** Ends the worker; what it was doing rejects. @param {Error} [error] */
    close(error = failure("closed")) {
        this.#onEnd = () => {};
        this.#end(error, 0);
    }

    /** @param {ToWorker} message */
    #post(message) {
        if (!this.#reason) this.#worker.postMessage(message);
    }

    /** @param {FromWorker} message */
    #receive(message) {
        switch (message.type) {
            case "ready":
                this.#isReady = true;
                this.#ready.resolve(message);
                break;
            case "response":
                this.#pending.get(message.id)?.resolve(message.result);
                this.#pending.delete(message.id);
                break;
            case "error":
                this.#pending.get(message.id)?.reject(fromPlain(message.error));
                this.#pending.delete(message.id);
                break;
            case "progress":
                this.#pending.get(message.id)?.onProgress?.(message.progress);
                break;
            case "failed":
            case "broken":
                this.#end(fromPlain(message.error), 0);
                break;
            case "crashed":
                // Before it is ready, there is nothing that a restart could save.
                this.#end(failure(this.#isReady ? "crashed" : "worker-failed", { reason: message.message }), message.running);
        }
    }

    /**
     * @param {Error} error
     * @param {number} running
     */
    #end(error, running) {
        if (this.#reason) return;
        this.#reason = error;
        this.#worker.terminate();
        this.#ready.reject(error);
        this.#onEnd({ error, running });
        for (const { reject } of this.#pending.values()) reject(error);
        this.#pending.clear();
    }
}

/**
 * `Promise.withResolvers`, which browsers have since 2024.
 *
 * @template T
 * @typedef {{ promise: Promise<T>, resolve: (value: T) => void, reject: (reason: unknown) => void }} Resolvers
 */

/** @returns {Resolvers<any>} */
function withResolvers() {
    /** @type {any} */
    const parts = {};
    parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return parts;
}
