/**
 * Classifies many posters, a few at a time, until all are done or the visitor stops.
 *
 * @import { Prediction } from "./messages.js"
 * @import { Client } from "./client.js"
 */

import { CrashedError } from "./client.js";
import { message } from "./errors.js";

/** Posters in one request: few enough to stop soon, enough to keep a GPU busy. */
const REQUEST_SIZE = 4;

/** Requests under way. With two, the worker never waits for the page. */
const CONCURRENT_REQUESTS = 2;

/**
 * @typedef {object} Item  a poster and its result
 * @property {number} index  position in the batch
 * @property {File} file
 * @property {string} name
 * @property {"waiting" | "classified" | "refused" | "stopped"} state
 * @property {Prediction[]} predictions
 * @property {string} thumbnail  its address; empty if there is none
 * @property {string} reason  why it was refused
 */

export class Batch {
    /** @type {Item[]} */
    items;
    #client;
    #onChange;
    #stopped = false;
    #next = 0;
    #started = performance.now();

    /**
     * Starts at once.
     *
     * @param {Client} client
     * @param {File[]} files
     * @param {(items: Item[]) => void} onChange  called with the items that were just classified or refused, and with
     *     none once the batch has ended
     */
    constructor(client, files, onChange) {
        this.#client = client;
        this.#onChange = onChange;
        this.items = files.map((file, index) => ({
            index,
            file,
            name: file.webkitRelativePath || file.name,
            state: "waiting",
            predictions: [],
            thumbnail: "",
            reason: "",
        }));
        const workers = Array.from({ length: CONCURRENT_REQUESTS }, () => this.#work());
        this.finished = Promise.all(workers).then(() => this.#onChange([]));
    }

    /** Sends no more requests. Results of those under way still count. */
    stop() {
        this.#stopped = true;
        for (const item of this.items.slice(this.#next)) item.state = "stopped";
    }

    /** Stops, and releases the thumbnails. */
    close() {
        this.stop();
        for (const { thumbnail } of this.items) URL.revokeObjectURL(thumbnail);
    }

    /** Returns the counts, the rate in posters a second, and the time taken and left in milliseconds. */
    progress() {
        const done = this.items.filter(({ state }) => state === "classified" || state === "refused").length;
        const waiting = this.items.filter(({ state }) => state === "waiting").length;
        const took = performance.now() - this.#started;
        const rate = (1000 * done) / took;
        return { done, waiting, took, rate, left: (1000 * waiting) / rate };
    }

    async #work() {
        while (!this.#stopped && this.#next < this.items.length) {
            const items = this.items.slice(this.#next, this.#next + REQUEST_SIZE);
            this.#next += items.length;
            await this.#classify(items);
        }
    }

    /** @param {Item[]} items */
    async #classify(items) {
        try {
            const { results } = await this.#client.request("classify", items.map(({ file }) => file));
            results.forEach((result, index) => {
                const item = items[index];
                if (!item) return;
                if ("error" in result) {
                    item.state = "refused";
                    item.reason = result.error;
                } else {
                    item.state = "classified";
                    item.predictions = result.predictions;
                    item.thumbnail = result.thumbnail ? URL.createObjectURL(result.thumbnail) : "";
                }
            });
        } catch (error) {
            if (error instanceof CrashedError && items.length > 1) {
                // One of them crashed the worker. Alone, the others can be classified.
                for (const item of items) await this.#classify([item]);
                return;
            }
            for (const item of items) {
                item.state = "refused";
                item.reason = message(error);
            }
        }
        this.#onChange(items);
    }
}
