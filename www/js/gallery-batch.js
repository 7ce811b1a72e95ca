/**
 * The batch in the gallery: starts it, adds to it, classifies it again with another model, evaluates it, and saves its
 * predictions.
 *
 * @import { Item } from "./batch.js"
 * @import { Manifest } from "./messages.js"
 * @import { Session } from "./session.js"
 * @import { Settings } from "./settings.js"
 */

import { Batch } from "./batch.js";
import * as gallery from "./gallery.js";
import { strings } from "./strings/index.js";
import * as undo from "./undo.js";

export class GalleryBatch {
    /** @type {Batch | undefined} */
    #batch;
    #session;
    /** The true genres of the posters. @type {File | undefined} */
    #table;
    /** Whether the predictions are those of a model that is no longer in use. */
    #isStale = false;
    /** Of the model in use. @type {Manifest | undefined} */
    #manifest;

    /**
     * @param {Session} session
     * @param {Settings} settings
     * @param {Manifest | undefined} manifest  of the model in use; undefined while it is loading
     * @param {(item: Item) => void} onOpen  called with the poster whose tile was clicked
     */
    constructor(session, settings, manifest, onOpen) {
        this.#session = session;
        gallery.listen(onOpen);
        gallery.applySettings(settings);
        if (manifest) this.showReady(manifest);
    }

    get isOpen() {
        return this.#batch !== undefined;
    }

    /**
     * Classifies posters. If the gallery has some already, the visitor decides whether to keep them. Returns whether the
     * gallery has changed.
     *
     * @param {File[]} posters
     */
    async open(posters) {
        const batch = this.#batch;
        if (batch) {
            const dialog = await import("./dialog.js");
            const choices = [strings.gallery.replace, strings.gallery.add];
            const choice = await dialog.choose(strings.gallery.addOrReplace(posters.length, batch.items.length), choices);
            if (choice === undefined) return false;
            if (choice === 1 && batch === this.#batch) {
                this.#table = undefined; // it is of the posters before
                gallery.extend();
                batch.add(posters);
                return true;
            }
        }
        this.#table = undefined;
        this.#start(posters, gallery.start);
        return true;
    }

    /** Closes the gallery, and offers to open it again. @param {() => void} onReopen */
    close(onReopen) {
        const [batch, table] = [this.#batch, this.#table];
        if (!batch) return;
        const wasRunning = batch.progress().waiting > 0;
        batch.stop();
        this.#batch = undefined;
        this.#table = undefined;
        undo.offer(strings.undo.galleryClosed(batch.items.length), () => {
            this.#batch?.close();
            this.#batch = batch;
            this.#table = table;
            gallery.reopen(batch);
            if (wasRunning) batch.resume();
            onReopen();
        }, () => batch.close());
    }

    /** @param {Manifest} manifest  of the model that is in use now */
    showReady(manifest) {
        this.#manifest = manifest;
        gallery.showReady(manifest.genres);
    }

    /** @param {Settings} settings */
    applySettings(settings) {
        gallery.applySettings(settings);
    }

    /** Takes the focus. @param {Item} [item]  the poster whose tile gets it */
    enter(item) {
        gallery.enter(item);
    }

    /** Returns the posters that pass the filter, in the order on show. */
    shown() {
        return gallery.shown();
    }

    /** Stops, since another model is in use. */
    changeModel() {
        if (!this.#batch) return;
        this.#isStale = true;
        this.#batch.stop();
    }

    /** Classifies the posters again if the gallery shows those of another model. */
    async refresh() {
        if (!this.#batch || !this.#isStale) return;
        const files = this.#batch.items.map(({ file }) => file);
        this.#start(files, gallery.restart);
        if (this.#table) await this.evaluate(this.#table);
    }

    /**
     * Compares the predictions with a table of the posters' genres, once all are classified.
     *
     * @param {File} table
     * @param {File} [ignored]  a second table
     */
    async evaluate(table, ignored) {
        const batch = this.#batch;
        this.#table = table;
        const evaluation = await import("./evaluation.js");
        await batch?.finished;
        if (!batch || batch !== this.#batch || !this.#manifest) return;
        await evaluation.evaluate(this.#session, batch, table, this.#manifest.genres);
        if (ignored) evaluation.showError(strings.gallery.oneTable(ignored.name, table.name));
    }

    /**
     * @param {"csv" | "json"} format
     * @param {Settings["thresholds"]} thresholds
     */
    async save(format, thresholds) {
        const saveBatch = await import("./save-batch.js");
        if (this.#batch && this.#manifest) saveBatch[format](this.#batch.items, this.#manifest.genres, thresholds);
    }

    /**
     * @param {File[]} posters
     * @param {(batch: Batch) => void} show
     */
    #start(posters, show) {
        this.#batch?.close();
        this.#isStale = false;
        const batch = new Batch(this.#session, posters, (items) => {
            if (batch === this.#batch) gallery.add(items); // a closed gallery may still get some
        });
        this.#batch = batch;
        show(batch);
    }
}
