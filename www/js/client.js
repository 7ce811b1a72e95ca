/**
 * The page's end of the worker: starts it, asks it, and starts it anew if it dies.
 *
 * @import { Answer, Choice, Classify, FromWorker, Start } from "./messages.js"
 */

/** A file that cannot be classified; the message is for the visitor. */
export class RefusedError extends Error {}

/** Classifies posters in a worker, so that the page stays responsive. */
export class Client {
    #choice;
    #listener;
    /** @type {Map<number, { resolve: (answer: Answer) => void, reject: (error: Error) => void }>} */
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
     * @param {Uint8Array} bytes  of an image file
     * @returns {Promise<Answer>}
     */
    classify(bytes) {
        const id = ++this.#lastId;
        return new Promise((resolve, reject) => {
            this.#asked.set(id, { resolve, reject });
            /** @type {Classify} */
            const message = { type: "classify", id, bytes };
            this.#worker.postMessage(message, [bytes.buffer]);
        });
    }

    #start() {
        const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
        worker.addEventListener("message", ({ data }) => this.#hear(data));
        worker.addEventListener("error", (event) => {
            this.#listener({ type: "failed", message: event.message || "the worker cannot be loaded" });
        });
        /** @type {Start} */
        const message = { type: "start", choice: this.#choice };
        worker.postMessage(message);
        return worker;
    }

    /** @param {FromWorker} message */
    #hear(message) {
        switch (message.type) {
            case "answer":
                this.#asked.get(message.id)?.resolve(message);
                this.#asked.delete(message.id);
                break;
            case "refused":
                this.#asked.get(message.id)?.reject(new RefusedError(message.message));
                this.#asked.delete(message.id);
                break;
            case "crashed":
                this.#worker.terminate();
                this.#worker = this.#start();
                for (const { reject } of this.#asked.values()) {
                    reject(new RefusedError(`the classifier stopped on it and was started anew (${message.message})`));
                }
                this.#asked.clear();
                break;
            default:
                this.#listener(message);
        }
    }
}
