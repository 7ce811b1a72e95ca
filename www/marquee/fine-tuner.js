/**
 * A fine-tuner: trains a model further on a few posters, in a worker of its own.
 *
 * @import { DeviceName, FineTuneProgress, FineTuner as Api, LabelledInput } from "./api.js"
 * @import { Connection } from "./connection.js"
 * @import { Methods } from "./messages.js"
 * @import { Fetch } from "./download.js"
 */

import { abortable, failure, fromPlain } from "./errors.js";
import { sourceOf } from "./inputs.js";
import { callback, check, signalRule } from "./options.js";

/** @implements {Api} */
export class FineTuner {
    #connection;
    #fetch;
    #onClose;
    #isClosed = false;
    /** Calls run one after the other: each may change the model. @type {Promise<unknown>} */
    #last = Promise.resolve();

    /**
     * @param {Connection} connection  of a worker that is ready
     * @param {{ genres: string[], device: DeviceName, fetch: Fetch, onClose: () => void }} options
     */
    constructor(connection, { genres, device, fetch, onClose }) {
        this.#connection = connection;
        this.#fetch = fetch;
        this.#onClose = onClose;
        this.genres = genres;
        this.device = device;
    }

    /**
     * @param {LabelledInput[]} posters
     * @param {{ signal?: AbortSignal }} [options]
     */
    async add(posters, options) {
        check("add", options, { signal: signalRule });
        const signal = options?.signal;
        signal?.throwIfAborted();
        if (!Array.isArray(posters)) throw new TypeError("add: the posters must be an array");
        const request = { fetch: this.#fetch, signal };
        /** @type {(Error | null)[]} */
        const errors = posters.map(() => null);
        const sources = await Promise.all(posters.map(({ input }, index) => sourceOf(input, request).catch((error) => {
            errors[index] = error;
        })));
        signal?.throwIfAborted();
        const found = sources.flatMap((source, index) => (source ? [{ source, index }] : []));
        const argument = { sources: found.map(({ source }) => source), labels: found.map(({ index }) => posters[index]?.labels ?? {}) };
        const refused = await this.#run("add", argument, { signal });
        refused.forEach((error, position) => {
            const index = found[position]?.index;
            if (error && index !== undefined) errors[index] = fromPlain(error);
        });
        return errors;
    }

    /** @param {{ onProgress?: (progress: FineTuneProgress) => void, signal?: AbortSignal }} [options] */
    async train(options) {
        check("train", options, { onProgress: callback, signal: signalRule });
        return this.#run("train", null, options ?? {});
    }

    pause() {
        this.#connection.pause();
    }

    async evaluate() {
        return this.#run("report", null);
    }

    /**
     * @param {string} from
     * @param {string} to
     */
    async rename(from, to) {
        this.genres = await this.#run("rename", { from, to });
    }

    async export() {
        return /** @type {Uint8Array<ArrayBuffer>} */ (await this.#run("export", null));
    }

    close() {
        if (this.#isClosed) throw failure("closed");
        this.end();
    }

    /** Closes, even if it is closed. */
    end() {
        this.#isClosed = true;
        this.#connection.close();
        this.#onClose();
    }

    /**
     * @template {keyof Methods} K
     * @param {K} method
     * @param {Methods[K]["argument"]} argument
     * @param {{ signal?: AbortSignal | undefined, onProgress?: ((progress: FineTuneProgress) => void) | undefined }} [options]
     * @returns {Promise<Methods[K]["result"]>}
     */
    #run(method, argument, { signal, onProgress } = {}) {
        const result = this.#last.then(() => {
            signal?.throwIfAborted();
            const { result, cancel } = this.#connection.request(method, argument, { onProgress });
            return abortable(result, signal, cancel);
        });
        this.#last = result.catch(() => {});
        return result;
    }
}
