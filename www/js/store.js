/**
 * Storage of the visitor's own models and their training posters in this browser (IndexedDB). Each function runs one
 * transaction, so a change is saved completely or not at all, even if the page closes meanwhile.
 *
 * @import { FineTuneReport } from "./messages.js"
 */

// The names of the database, its stores and its record fields are those of version 0.1, so that its models still load.
const NAME = "marquee";
const VERSION = 1;

/**
 * @typedef {object} OwnModel  a model that the visitor fine-tuned or imported
 * @property {number} id
 * @property {string} name
 * @property {Blob | null} base  the bundle that fine-tuning starts from; null is the built-in model
 * @property {Blob | null} file  the fine-tuned bundle; null before the first training
 * @property {string[]} genres  genres to train
 * @property {string[]} added  those of `genres` that the base lacks
 * @property {[string, string][]} renamed  genres of the base and their new names
 * @property {FineTuneReport | null} judgement  held-out metrics of `file`
 * @property {{ step: number, steps: number } | null} cut  how much of the training was done, if `file` is a checkpoint of
 *     an interrupted one
 * @property {{ file: Blob | null, judgement: FineTuneReport | null }[]} earlier  states for undo, the latest last
 *
 * @typedef {object} Example  a poster to train on
 * @property {number} id
 * @property {number} network  id of its model
 * @property {string} name  file name
 * @property {Blob} file
 * @property {string[]} genres  genres that the poster has, of those to train
 */

/** @type {Promise<IDBDatabase> | undefined} */
let database;

function open() {
    database ??= new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, VERSION);
        request.onupgradeneeded = () => {
            request.result.createObjectStore("networks", { keyPath: "id", autoIncrement: true });
            const examples = request.result.createObjectStore("examples", { keyPath: "id", autoIncrement: true });
            examples.createIndex("network", "network");
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    return database;
}

/**
 * Runs `work` in one transaction on both stores; resolves once everything is on disk.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(models: IDBObjectStore, examples: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function transact(mode, work) {
    const opened = await open();
    return new Promise((resolve, reject) => {
        const transaction = opened.transaction(["networks", "examples"], mode, { durability: "strict" });
        const request = work(transaction.objectStore("networks"), transaction.objectStore("examples"));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request.error);
    });
}

/** @returns {Promise<OwnModel[]>} */
export function models() {
    return transact("readonly", (models) => models.getAll());
}

/** Saves a model; a new one receives its id. @param {Omit<OwnModel, "id"> & { id?: number }} model */
export async function saveModel(model) {
    model.id = /** @type {number} */ (await transact("readwrite", (models) => models.put(model)));
    return /** @type {OwnModel} */ (model);
}

/** Deletes a model and its posters. @param {number} id */
export function deleteModel(id) {
    return transact("readwrite", (models, examples) => {
        const cursor = examples.index("network").openKeyCursor(IDBKeyRange.only(id));
        cursor.onsuccess = () => {
            if (!cursor.result) return;
            examples.delete(cursor.result.primaryKey);
            cursor.result.continue();
        };
        return models.delete(id);
    });
}

/** Returns a model's posters in the order in which they were added. @param {number} model @returns {Promise<Example[]>} */
export function examples(model) {
    return transact("readonly", (_, examples) => examples.index("network").getAll(model));
}

/** Saves a poster; a new one receives its id. @param {Omit<Example, "id"> & { id?: number }} example */
export async function saveExample(example) {
    example.id = /** @type {number} */ (await transact("readwrite", (_, examples) => examples.put(example)));
    return /** @type {Example} */ (example);
}

/** @param {number} id */
export function deleteExample(id) {
    return transact("readwrite", (_, examples) => examples.delete(id));
}
