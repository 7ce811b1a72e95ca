/**
 * The page's end of the worker: starts it, asks it, and starts it anew if it dies.
 *
 * @import { Ask, Choice, FromWorker, Questions, Start } from "./messages.js"
 */

/** A file that cannot be classified; the message is for the visitor. */
export class RefusedError extends Error {}

/** The classifier died of what it was asked. */
export class CrashedError extends RefusedError {}

/** Asks a worker, so that the page stays responsive. */
export class Client {
    #choice;
    /** @type {Blob | null} */
    #network = null;
    #listener;
    /** What was asked and is not answered, the oldest first. @type {Map<number, { ask: Ask, resolve: (answer: any) => void, reject: (error: Error) => void }>} */
    #asked = new Map();
    #lastId = 0;
    /** @type {Worker} */
    #worker;

    /**
     * @param {Choice} choice
     * @param {(message: FromWorker) => void} listener  hears everything but answers and refusals
     */
    constructor(choice, listener) {
        this.#choice = choice;
        this.#listener = listener;
        this.#worker = this.#start();
    }

    /**
     * Answers come in the order of the questions.
     *
     * @template {keyof Questions} K
     * @param {K} type
     * @param {Questions[K]["question"]} question
     * @returns {Promise<Questions[K]["answer"]>}
     */
    request(type, question) {
        const ask = /** @type {Ask} */ ({ type, id: ++this.#lastId, question });
        return new Promise((resolve, reject) => {
            this.#asked.set(ask.id, { ask, resolve, reject });
            this.#worker.postMessage(ask);
        });
    }

    /**
     * Computes on another device from now on.
     *
     * @param {Choice} choice
     */
    chooseDevice(choice) {
        if (choice === this.#choice) return;
        this.#choice = choice;
        this.#renew();
    }

    /**
     * Answers by another network from now on; null is the shipped one.
     *
     * @param {Blob | null} network
     */
    useModel(network) {
        if (network === this.#network) return;
        this.#network = network;
        this.#renew();
    }

    #start() {
        const worker = new Worker(new URL("classifier-worker.js", import.meta.url), { type: "module" });
        worker.addEventListener("message", ({ data }) => this.#hear(data));
        worker.addEventListener("error", (event) => {
            this.#listener({ type: "failed", message: event.message || "the worker cannot be loaded" });
        });
        /** @type {Start} */
        const message = { type: "start", choice: this.#choice, network: this.#network };
        worker.postMessage(message);
        return worker;
    }

    /** A new worker, which is asked everything that the old one has not answered. */
    #renew() {
        this.#worker.terminate();
        this.#worker = this.#start();
        for (const { ask } of this.#asked.values()) this.#worker.postMessage(ask);
    }

    /** @param {FromWorker} message */
    #hear(message) {
        switch (message.type) {
            case "answer":
                this.#asked.get(message.id)?.resolve(message.answer);
                this.#asked.delete(message.id);
                break;
            case "refused":
                this.#asked.get(message.id)?.reject(new RefusedError(message.message));
                this.#asked.delete(message.id);
                break;
            case "crashed": {
                // It died of the oldest question; the others are asked again.
                const [oldest] = this.#asked.values();
                if (oldest) {
                    this.#asked.delete(oldest.ask.id);
                    oldest.reject(new CrashedError(`the classifier stopped on it and was started anew (${message.message})`));
                }
                this.#renew();
                break;
            }
            default:
                this.#listener(message);
        }
    }
}
