/**
 * Many posters, a few at a time, until all are answered or the visitor stops it.
 *
 * @import { Prediction } from "./messages.js"
 * @import { Client } from "./client.js"
 */

import { CrashedError } from "./client.js";

/** Posters that are asked about together: few enough to stop soon, enough to keep a GPU busy. */
const TOGETHER = 4;

/** Questions on their way: the worker finds the next one waiting. */
const AHEAD = 2;

/**
 * @typedef {object} Item  a poster and what became of it
 * @property {number} index  among those given
 * @property {File} file
 * @property {string} name
 * @property {"waiting" | "answered" | "refused" | "stopped"} state
 * @property {Prediction[]} predictions
 * @property {string} thumbnail  its address; empty where there is none
 * @property {string} reason  why it was refused
 */

export class Batch {
    /** @type {Item[]} */
    items;
    #client;
    #changed;
    #stopped = false;
    #next = 0;
    #started = performance.now();

    /**
     * Starts at once.
     *
     * @param {Client} client
     * @param {File[]} files
     * @param {(items: Item[]) => void} changed  hears which ones have just been answered or refused; none when all is over
     */
    constructor(client, files, changed) {
        this.#client = client;
        this.#changed = changed;
        this.items = files.map((file, index) => ({
            index,
            file,
            name: file.webkitRelativePath || file.name,
            state: "waiting",
            predictions: [],
            thumbnail: "",
            reason: "",
        }));
        this.finished = Promise.all(Array.from({ length: AHEAD }, () => this.#work())).then(() => this.#changed([]));
    }

    /** Leaves out what has not been asked yet; answers that are on their way still count. */
    stop() {
        this.#stopped = true;
        for (const item of this.items.slice(this.#next)) item.state = "stopped";
    }

    /** Gives its pictures back. */
    close() {
        this.stop();
        for (const { thumbnail } of this.items) URL.revokeObjectURL(thumbnail);
    }

    /** How far it is: rate in posters a second, times in milliseconds. */
    progress() {
        const done = this.items.filter(({ state }) => state === "answered" || state === "refused").length;
        const waiting = this.items.filter(({ state }) => state === "waiting").length;
        const took = performance.now() - this.#started;
        const rate = (1000 * done) / took;
        return { done, waiting, took, rate, left: (1000 * waiting) / rate };
    }

    async #work() {
        while (!this.#stopped && this.#next < this.items.length) {
            const some = this.items.slice(this.#next, this.#next + TOGETHER);
            this.#next += some.length;
            await this.#ask(some);
        }
    }

    /** @param {Item[]} items */
    async #ask(items) {
        try {
            const { results } = await this.#client.request("classify", items.map(({ file }) => file));
            results.forEach((result, index) => {
                const item = items[index];
                if (!item) return;
                if ("error" in result) {
                    item.state = "refused";
                    item.reason = result.error;
                } else {
                    item.state = "answered";
                    item.predictions = result.predictions;
                    item.thumbnail = result.thumbnail ? URL.createObjectURL(result.thumbnail) : "";
                }
            });
        } catch (error) {
            if (error instanceof CrashedError && items.length > 1) {
                // One of them did it; by themselves the others are answered.
                for (const item of items) await this.#ask([item]);
                return;
            }
            for (const item of items) {
                item.state = "refused";
                item.reason = error instanceof Error ? error.message : String(error);
            }
        }
        this.#changed(items);
    }
}
