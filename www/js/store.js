/**
 * The visitor's own models and their training posters, as this browser stores them. Each function is one transaction,
 * so a change is saved completely or not at all, even if the page closes meanwhile. Only the fields that change are
 * written, and nothing that another tab has deleted comes back.
 *
 * @import { FineTuneReport } from "./messages.js"
 */

import { done, transact } from "./database.js";

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
 *
 * @typedef {number | null} FileId
 * @typedef {Omit<OwnModel, "base" | "file" | "earlier"> & { base: FileId, file: FileId,
 *     earlier: { file: FileId, judgement: FineTuneReport | null }[] }} ModelRecord
 */

/** Every bundle that was read or saved, by its id: the same bundle is always the same Blob. @type {Map<number, Blob>} */
const bundles = new Map();

/** @returns {Promise<OwnModel[]>} */
export function models() {
    return transact("readonly", async ({ models, files }) => {
        /** @type {[ModelRecord[], IDBValidKey[], Blob[]]} */
        const [records, ids, blobs] = await Promise.all([done(models.getAll()), done(files.getAllKeys()), done(files.getAll())]);
        ids.forEach((id, index) => {
            const blob = blobs[index];
            if (blob && !bundles.has(Number(id))) bundles.set(Number(id), blob);
        });
        const bundle = (/** @type {FileId} */ id) => (id === null ? null : (bundles.get(id) ?? null));
        return records.map((record) => ({
            ...record,
            base: bundle(record.base),
            file: bundle(record.file),
            earlier: record.earlier.map(({ file, judgement }) => ({ file: bundle(file), judgement })),
        }));
    });
}

/** Saves a new model and returns it with its id. @param {Omit<OwnModel, "id">} model @returns {Promise<OwnModel>} */
export async function addModel(model) {
    const id = await save(async ({ models, files }, saved) => {
        const record = { ...model, ...(await withIds(files, model, saved)) };
        return Number(await done(models.add(record)));
    });
    return { ...model, id };
}

/**
 * Changes fields of a model. Returns false if the model is no longer stored: another tab has deleted it.
 *
 * @param {number} id
 * @param {Partial<OwnModel>} changes
 */
export function changeModel(id, changes) {
    return save(async ({ models, files }, saved) => {
        /** @type {ModelRecord | undefined} */
        const before = await done(models.get(id));
        if (!before) return false;
        const { base, file, earlier, ...others } = changes;
        const after = { ...before, ...others, ...(await withIds(files, { base, file, earlier }, saved)) };
        await done(models.put(after));
        const used = fileIds(after);
        for (const file of fileIds(before)) if (!used.has(file)) files.delete(file);
        return true;
    });
}

/** Deletes a model, its bundles and its posters. @param {number} id */
export function deleteModel(id) {
    return transact("readwrite", async ({ models, files, examples }) => {
        /** @type {ModelRecord | undefined} */
        const record = await done(models.get(id));
        for (const file of record ? fileIds(record) : []) files.delete(file);
        for (const example of await done(examples.index("network").getAllKeys(id))) examples.delete(example);
        await done(models.delete(id));
    });
}

/** Saves a deleted model and its posters again, with the ids that they had. @param {OwnModel} model @param {Example[]} posters */
export function restoreModel(model, posters) {
    return save(async ({ models, files, examples }, saved) => {
        await done(models.put({ ...model, ...(await withIds(files, model, saved)) }));
        for (const poster of posters) await done(examples.put(poster));
    });
}

/** Returns a model's posters in the order in which they were added. @param {number} model @returns {Promise<Example[]>} */
export function examples(model) {
    return transact("readonly", ({ examples }) => done(examples.index("network").getAll(model)));
}

/** Saves a new poster and returns it with its id. @param {Omit<Example, "id">} example @returns {Promise<Example>} */
export async function addExample(example) {
    const id = await transact("readwrite", async ({ examples }) => Number(await done(examples.add(example))));
    return { ...example, id };
}

/** Changes a poster's genres, unless it was deleted. @param {number} id @param {string[]} genres */
export function changeExample(id, genres) {
    return transact("readwrite", async ({ examples }) => {
        const example = await done(examples.get(id));
        if (example) await done(examples.put({ ...example, genres }));
    });
}

/** @param {number} id */
export function deleteExample(id) {
    return transact("readwrite", ({ examples }) => done(examples.delete(id)));
}

/**
 * Runs `work`, and remembers the bundles that it saved once they are on disk.
 *
 * @template T
 * @param {(stores: import("./database.js").Stores, saved: Map<Blob, number>) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function save(work) {
    /** @type {Map<Blob, number>} */
    const saved = new Map();
    const value = await transact("readwrite", (stores) => work(stores, saved));
    for (const [blob, id] of saved) bundles.set(id, blob);
    return value;
}

/**
 * Returns those of a model's fields that hold bundles, with ids in their place. New bundles are saved.
 *
 * @param {IDBObjectStore} files
 * @param {{ [K in "base" | "file" | "earlier"]?: OwnModel[K] | undefined }} fields
 * @param {Map<Blob, number>} saved  receives the bundles that are saved
 */
async function withIds(files, fields, saved) {
    const idOf = async (/** @type {Blob | null} */ blob) => {
        if (!blob) return null;
        const known = saved.get(blob) ?? [...bundles].find(([, other]) => other === blob)?.[0];
        // Another tab may have deleted it since.
        if (known !== undefined && (await done(files.getKey(known))) !== undefined) return known;
        const id = Number(await done(files.add(blob)));
        saved.set(blob, id);
        return id;
    };
    /** @type {Partial<Pick<ModelRecord, "base" | "file" | "earlier">>} */
    const converted = {};
    if (fields.base !== undefined) converted.base = await idOf(fields.base);
    if (fields.file !== undefined) converted.file = await idOf(fields.file);
    if (fields.earlier) {
        converted.earlier = [];
        for (const { file, judgement } of fields.earlier) converted.earlier.push({ file: await idOf(file), judgement });
    }
    return converted;
}

/** Returns the ids of a model's bundles. @param {ModelRecord} record */
function fileIds({ base, file, earlier }) {
    return new Set([base, file, ...earlier.map(({ file }) => file)].filter((id) => id !== null));
}
