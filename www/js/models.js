/**
 * The visitor's own models beside the built-in one: which exist and which is in use. Changes are saved in this
 * browser where it allows; otherwise they last until the page closes. Tabs tell each other about their changes.
 *
 * @import { OwnModel } from "./store.js"
 * @import { Manifest } from "./messages.js"
 */

import { listenForBlock } from "./database.js";
import { OWN_MODEL_KEY } from "./settings.js";
import * as store from "./store.js";
import { strings } from "./strings/index.js";

/**
 * @typedef {object} Listener
 * @property {(model: OwnModel | undefined) => void} [onSelect]  another model is in use; undefined is the built-in one
 * @property {() => void} [onChange]  a model was added, changed, deleted or selected
 * @property {(error: unknown) => void} [onStorageError]  a change could not be saved
 * @property {(text: string) => void} [onNote]  something that the visitor should know
 * @property {() => void} [onElsewhere]  another tab changed models
 * @property {(id: number) => void} [onExamples]  another tab changed a model's posters
 *
 * @typedef {{ examples?: number }} Change  what a tab tells the others: models changed, or only one's posters
 */

/** @type {Listener[]} */
const listeners = [];
/** @type {Map<number, OwnModel>} */
const models = new Map();
/** @type {OwnModel | undefined} */
let selected;
/** Counts the changes in this tab, so that what was read before one does not undo it. */
let changes = 0;
/** Changes that are being saved. */
let saving = 0;

const otherTabs = new BroadcastChannel("marquee.models");
otherTabs.addEventListener("message", ({ data }) => {
    /** @type {Change} */
    const { examples } = data;
    if (examples === undefined) refresh().catch(reportStorageError);
    else for (const { onExamples } of listeners) onExamples?.(examples);
});
listenForBlock(() => {
    for (const { onNote } of listeners) onNote?.(strings.models.blocked);
});

/** @param {Listener} listener */
export function listen(listener) {
    listeners.push(listener);
}

/** Loads the models of earlier visits. @returns {Promise<OwnModel | undefined>}  the one in use */
export async function restore() {
    try {
        for (const model of await store.models()) models.set(model.id, model);
        // Storage may be slow: a model that the visitor made meanwhile stays in use.
        selected ??= models.get(Number(localStorage.getItem(OWN_MODEL_KEY)));
    } catch {
        // A browser without storage has none.
    }
    changed();
    return selected;
}

export function all() {
    return [...models.values()];
}

/** Returns the model in use; undefined is the built-in one. */
export function current() {
    return selected;
}

/** @param {number} id */
export function selectById(id) {
    select(models.get(id));
}

/**
 * @param {OwnModel | undefined} model  undefined is the built-in one
 * @param {{ isLasting?: boolean }} [options]  whether the next visit starts with it
 */
export function select(model, { isLasting = true } = {}) {
    selected = model;
    try {
        if (isLasting) localStorage.setItem(OWN_MODEL_KEY, String(model?.id ?? ""));
    } catch {
        // The next visit starts with the built-in model.
    }
    changed();
    for (const { onSelect } of listeners) onSelect?.(model);
}

/**
 * Adds a model; a number is appended to a name that is taken.
 *
 * @param {string} name
 * @param {Blob | null} base  bundle that fine-tuning starts from; null is the built-in model
 * @param {Blob | null} file
 */
export async function add(name, base, file) {
    const taken = new Set(all().map((model) => model.name));
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name} ${number}`;
    /** @type {Omit<OwnModel, "id">} */
    const created = { name: free, base, file, genres: [], added: [], renamed: [], judgement: null, cut: null, earlier: [] };
    const model = await save(() => store.addModel(created)).catch((error) => {
        reportStorageError(error);
        // Stored models have positive ids.
        return { ...created, id: -1 - models.size };
    });
    models.set(model.id, model);
    return model;
}

/**
 * @param {OwnModel} model
 * @param {Partial<OwnModel>} wanted
 */
export async function change(model, wanted) {
    Object.assign(model, wanted);
    changed();
    if (!isStored(model.id)) return;
    try {
        const isThere = await save(() => store.changeModel(model.id, wanted));
        if (!isThere) throw new Error(strings.models.deletedElsewhere);
    } catch (error) {
        reportStorageError(error);
    }
}

/**
 * Deletes a model and its posters; the built-in model is used instead. Returns a function that brings both back.
 *
 * @param {OwnModel} model
 */
export async function remove(model) {
    /** @type {import("./store.js").Example[]} */
    let posters = [];
    try {
        posters = await store.examples(model.id);
        await save(() => store.deleteModel(model.id));
    } catch (error) {
        reportStorageError(error);
    }
    models.delete(model.id);
    select(undefined);
    return async () => {
        if (isStored(model.id)) await save(() => store.restoreModel(model, posters)).catch(reportStorageError);
        models.set(model.id, model);
        select(model);
    };
}

/**
 * Adds a model from a bundle in one file, and uses it.
 *
 * @param {File} file
 * @param {(file: Blob) => Promise<Manifest>} inspect  rejects a file that is not a valid bundle
 */
export async function importFile(file, inspect) {
    await inspect(file);
    const copy = new Blob([await file.arrayBuffer()]);
    const model = await add(file.name.replace(/\.safetensors$/i, ""), copy, copy);
    select(model);
    keep();
    return model;
}

/** Asks the browser not to delete the page's data when the disk fills up. It may refuse. */
export function keep() {
    navigator.storage?.persist?.().catch(() => {});
}

/** Tells other tabs that a model's posters changed. @param {number} id */
export function announceExamples(id) {
    otherTabs.postMessage({ examples: id });
}

/** Whether a model is in storage. One that could not be saved at first is not tried again on every click. @param {number} id */
export function isStored(id) {
    return id > 0;
}

/**
 * Saves a change and tells the other tabs.
 *
 * @template T
 * @param {() => Promise<T>} write
 */
async function save(write) {
    changes++;
    saving++;
    try {
        const value = await write();
        otherTabs.postMessage({});
        return value;
    } finally {
        saving--;
    }
}

/** Takes over what other tabs changed. */
async function refresh() {
    const before = changes;
    const stored = await store.models();
    if (saving || changes !== before) return refresh();
    const file = selected?.file;
    for (const model of stored) models.set(model.id, Object.assign(models.get(model.id) ?? model, model));
    const ids = new Set(stored.map(({ id }) => id));
    for (const { id } of all()) if (isStored(id) && !ids.has(id)) models.delete(id);
    if (selected && !models.has(selected.id)) select(undefined);
    else if (selected && selected.file !== file) select(selected);
    else changed();
    for (const { onElsewhere } of listeners) onElsewhere?.();
}

/** @param {unknown} error */
export function reportStorageError(error) {
    for (const { onStorageError } of listeners) onStorageError?.(error);
}

function changed() {
    for (const { onChange } of listeners) onChange?.();
}
