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
    /** Posters that were done when the clock started. */
    #doneBefore = 0;
    #closed = false;

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
        this.items = [];
        this.finished = Promise.resolve();
        this.add(files);
    }

    /** Classifies more posters, after those that are under way. @param {File[]} files */
    add(files) {
        const first = this.items.length;
        const added = files.map((file, index) => ({
            index: first + index,
            file,
            name: file.webkitRelativePath || file.name,
            state: /** @type {Item["state"]} */ ("waiting"),
            predictions: [],
            thumbnail: "",
            reason: "",
        }));
        if (!this.progress().waiting) {
            this.#started = performance.now();
            this.#doneBefore = this.progress().done;
        }
        this.items.push(...added);
        this.#stopped = false;
        this.finished = this.finished.then(() => this.#run());
    }

    /** Sends no more requests. Results of those under way still count. */
    stop() {
        this.#stopped = true;
        for (const item of this.items.slice(this.#next)) item.state = "stopped";
        this.#next = this.items.length;
    }

    /** Stops for good, and releases the thumbnails. Results of requests under way are dropped. */
    close() {
        this.#closed = true;
        this.stop();
        for (const { thumbnail } of this.items) URL.revokeObjectURL(thumbnail);
    }

    /** Returns the counts, the rate in posters a second, and the time taken and left in milliseconds. */
    progress() {
        const done = this.items.filter(({ state }) => state === "classified" || state === "refused").length;
        const waiting = this.items.filter(({ state }) => state === "waiting").length;
        const took = performance.now() - this.#started;
        const rate = (1000 * (done - this.#doneBefore)) / took;
        return { done, waiting, took, rate, left: (1000 * waiting) / rate };
    }

    async #run() {
        await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, () => this.#work()));
        if (!this.#closed) this.#onChange([]);
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
            if (this.#closed) return;
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
            if (this.#closed) return;
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
