/**
 * The page's side of the classifier worker: starts it, sends requests, and restarts it after a crash.
 *
 * @import { DeviceChoice, FromClassifier, Request, Requests, Start } from "./messages.js"
 */

import { strings } from "./strings/index.js";

/** A request that failed; the message is for the visitor. */
export class RequestError extends Error {}

/** The worker crashed on the request. */
export class CrashedError extends RequestError {}

export class Client {
    #choice;
    /** @type {Blob | null} */
    #model = null;
    #listener;
    /** Requests without a response, oldest first. @type {Map<number, { request: Request, resolve: (result: any) => void, reject: (error: Error) => void }>} */
    #pending = new Map();
    #lastId = 0;
    /** @type {Worker} */
    #worker;

    /**
     * @param {DeviceChoice} choice
     * @param {(message: FromClassifier) => void} listener  receives every message except responses, errors and crashes
     */
    constructor(choice, listener) {
        this.#choice = choice;
        this.#listener = listener;
        this.#worker = this.#start();
    }

    /**
     * Sends a request. Requests are handled in order.
     *
     * @template {keyof Requests} K
     * @param {K} type
     * @param {Requests[K]["argument"]} argument
     * @returns {Promise<Requests[K]["result"]>}
     */
    request(type, argument) {
        const request = /** @type {Request} */ ({ type, id: ++this.#lastId, argument });
        return new Promise((resolve, reject) => {
            this.#pending.set(request.id, { request, resolve, reject });
            this.#worker.postMessage(request);
        });
    }

    /** @param {DeviceChoice} choice */
    chooseDevice(choice) {
        if (choice === this.#choice) return;
        this.#choice = choice;
        this.#restart();
    }

    /** Classifies with another model from now on. @param {Blob | null} model  null is the built-in one */
    useModel(model) {
        if (model === this.#model) return;
        this.#model = model;
        this.#restart();
    }

    #start() {
        const worker = new Worker(new URL("classifier-worker.js", import.meta.url), { type: "module" });
        worker.addEventListener("message", ({ data }) => this.#receive(data));
        worker.addEventListener("error", (event) => {
            this.#listener({ type: "failed", message: event.message || strings.worker.notLoaded });
        });
        /** @type {Start} */
        const message = { type: "start", choice: this.#choice, model: this.#model };
        worker.postMessage(message);
        return worker;
    }

    /** Replaces the worker and sends it every pending request. */
    #restart() {
        this.#worker.terminate();
        this.#worker = this.#start();
        for (const { request } of this.#pending.values()) this.#worker.postMessage(request);
    }

    /** @param {FromClassifier} message */
    #receive(message) {
        switch (message.type) {
            case "response":
                this.#pending.get(message.id)?.resolve(message.result);
                this.#pending.delete(message.id);
                break;
            case "error":
                this.#pending.get(message.id)?.reject(new RequestError(message.message));
                this.#pending.delete(message.id);
                break;
            case "crashed": {
                // The worker was handling the oldest request; only that one fails.
                const [oldest] = this.#pending.values();
                if (oldest) {
                    this.#pending.delete(oldest.request.id);
                    oldest.reject(new CrashedError(strings.worker.crashed(message.message)));
                }
                this.#restart();
                break;
            }
            default:
                this.#listener(message);
        }
    }
}
