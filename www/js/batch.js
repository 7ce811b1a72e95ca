/**
 * Classifies many posters until all are done or the visitor stops, and holds their results for the gallery.
 *
 * @import { Prediction } from "./messages.js"
 * @import { BatchResult } from "../marquee/api.js"
 * @import { Session } from "./session.js"
 */

import { message } from "./errors.js";

/** Height of a thumbnail in pixels: twice the largest size on the page, for high-resolution screens. */
const THUMBNAIL_HEIGHT = 300;

/**
 * @typedef {object} Item  a poster and its result
 * @property {number} index  position in the batch
 * @property {File} file
 * @property {string} name
 * @property {"waiting" | "classified" | "refused" | "stopped"} state
 * @property {Prediction[]} predictions
 * @property {Blob | undefined} thumbnail
 * @property {string[] | undefined} actual  its true genres, where a table has them
 * @property {string} reason  why it was refused
 */

export class Batch {
    /** @type {Item[]} */
    items;
    #session;
    #onChange;
    #stopped = new AbortController();
    #isClosed = false;
    #started = performance.now();
    /** Posters that were done when the clock started. */
    #doneBefore = 0;

    /**
     * Starts at once.
     *
     * @param {Session} session
     * @param {File[]} files
     * @param {(items: Item[]) => void} onChange  called with the items that were just classified or refused, and with
     *     none once the batch has ended
     */
    constructor(session, files, onChange) {
        this.#session = session;
        this.#onChange = onChange;
        this.items = [];
        this.finished = Promise.resolve();
        this.add(files);
    }

    /** Classifies more posters, after those that are waiting. @param {File[]} files */
    add(files) {
        const { done, waiting } = this.progress();
        if (!waiting) {
            this.#started = performance.now();
            this.#doneBefore = done;
        }
        const first = this.items.length;
        for (const [index, file] of files.entries()) {
            const name = file.webkitRelativePath || file.name;
            this.items.push({ index: first + index, file, name, state: "waiting", predictions: [], thumbnail: undefined, actual: undefined, reason: "" });
        }
        if (this.#stopped.signal.aborted) this.#stopped = new AbortController();
        this.finished = this.finished.then(() => this.#work());
    }

    /** Ends the batch; posters without a result stay without. */
    stop() {
        for (const item of this.#waiting()) item.state = "stopped";
        this.#stopped.abort();
    }

    /** Continues with the posters that a stop left without a result. */
    resume() {
        const stopped = this.items.filter(({ state }) => state === "stopped");
        if (!stopped.length) return;
        const { done } = this.progress();
        for (const item of stopped) item.state = "waiting";
        this.#stopped = new AbortController();
        this.#started = performance.now();
        this.#doneBefore = done;
        this.finished = this.finished.then(() => this.#work());
    }

    /** Stops for good. Nothing is reported any more. */
    close() {
        this.#isClosed = true;
        this.stop();
    }

    /** Returns the counts, the rate in posters a second, and the time taken and left in milliseconds. */
    progress() {
        const done = this.items.filter(({ state }) => state === "classified" || state === "refused").length;
        const waiting = this.#waiting().length;
        const took = performance.now() - this.#started;
        const rate = (1000 * (done - this.#doneBefore)) / took;
        return { done, waiting, took, rate, left: (1000 * waiting) / rate };
    }

    #waiting() {
        return this.items.filter(({ state }) => state === "waiting");
    }

    async #work() {
        try {
            await this.#session.run(async (marquee) => {
                // Those with a result of another model keep it.
                const items = this.#waiting();
                const options = { thumbnail: THUMBNAIL_HEIGHT, signal: this.#stopped.signal };
                for await (const result of marquee.classifyAll(items.map(({ file }) => file), options)) {
                    if (this.#isClosed) return;
                    const item = items[result.index];
                    if (item) this.#settle(item, result);
                }
            });
        } catch (error) {
            if (this.#isClosed) return;
            const items = this.#waiting();
            for (const item of items) refuse(item, error);
            this.#onChange(items);
        }
        if (!this.#isClosed) this.#onChange([]);
    }

    /**
     * @param {Item} item
     * @param {BatchResult} result
     */
    #settle(item, result) {
        if (result.error) {
            refuse(item, result.error);
        } else {
            item.state = "classified";
            item.predictions = result.genres;
            item.thumbnail = result.thumbnail ?? undefined;
        }
        this.#onChange([item]);
    }
}

/**
 * @param {Item} item
 * @param {unknown} error
 */
function refuse(item, error) {
    item.state = "refused";
    item.reason = message(error);
}
