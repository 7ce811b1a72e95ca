/**
 * What the Teach view edits: the model, its training posters and the genres to train. Every change is saved. No DOM.
 *
 * @import { Manifest } from "../messages.js"
 * @import { Example, OwnModel } from "../store.js"
 */

import { genreName } from "../genres.js";
import * as models from "../models.js";
import * as store from "../store.js";
import { strings } from "../strings/index.js";

/**
 * @typedef {object} Labels  genres of posters, from a CSV
 * @property {string[]} genres
 * @property {(name: string) => string[] | undefined} genresOf  by file name; undefined if the CSV has no row for it
 *
 * @typedef {object} Listener
 * @property {() => void} [onChange]  posters, genres or the model changed
 * @property {() => void} [onLabels]  the genres of a poster, or the known genres, changed
 */

/** @type {Listener[]} */
const listeners = [];
/** The model to train; undefined until the built-in model gets its first poster. @type {OwnModel | undefined} */
let model;
/** Of the model in use. @type {Manifest | undefined} */
let manifest;
/** The genres to train while there is no model to save them with. @type {Pick<OwnModel, "genres" | "added">} */
let pending = { genres: [], added: [] };

/** The posters to train on. @type {Set<Example>} */
export const examples = new Set();

/** @param {Listener} listener */
export function listen(listener) {
    listeners.push(listener);
}

export function changed() {
    for (const { onChange } of listeners) onChange?.();
}

function labelsChanged() {
    for (const { onLabels } of listeners) onLabels?.();
}

export function current() {
    return model;
}

/** Starts with another model and no posters. @param {OwnModel | undefined} chosen  undefined is the built-in model */
export function open(chosen) {
    model = chosen;
    pending = { genres: [], added: [] };
    examples.clear();
}

/** Returns the model to train; creates one if the built-in model is in use. */
export async function ownModel() {
    if (model) return model;
    const created = await models.add(strings.models.newName, null, null);
    await models.change(created, pending);
    model = created;
    models.select(created);
    return created;
}

/** @param {Manifest} loaded  of the model in use */
export function setManifest(loaded) {
    manifest = loaded;
    labelsChanged();
}

/** Returns the genres to train. */
export function genres() {
    return model?.genres ?? pending.genres;
}

/** Returns the genres of the model in use that are not trained. */
export function otherGenres() {
    return (manifest?.genres ?? []).map(({ name }) => name).filter((name) => !genres().includes(name));
}

/** Counts the posters that have a genre. @param {string} genre */
export function countWith(genre) {
    return [...examples].filter((example) => example.genres.includes(genre)).length;
}

/** Returns what is wrong with the name of a new genre, or an empty string. @param {string} name */
export function nameError(name) {
    if (!name) return strings.dialog.noName;
    const isSame = (/** @type {string} */ other) => [other, genreName(other)].some((known) => known.toLowerCase() === name.toLowerCase());
    const exists = genres().some(isSame) || manifest?.genres.some((genre) => isSame(genre.name));
    return exists ? strings.teachGenres.exists(name) : "";
}

/**
 * @param {string} name
 * @param {boolean} isNew  whether the base model lacks it
 */
export async function addGenre(name, isNew) {
    const before = model ?? pending;
    await changeGenres({ genres: [...before.genres, name], added: isNew ? [...before.added, name] : before.added });
    changed();
}

/** Adds the genres of a table that are not trained yet. @param {string[]} names */
export async function addGenres(names) {
    for (const name of names) {
        const isKnown = manifest?.genres.some((genre) => genre.name === name);
        if (!genres().includes(name)) await addGenre(name, !isKnown);
    }
}

/** @param {string} genre */
export async function removeGenre(genre) {
    const without = (/** @type {string[]} */ names) => names.filter((name) => name !== genre);
    const before = model ?? pending;
    await changeGenres({ genres: without(before.genres), added: without(before.added) });
    for (const example of examples) if (example.genres.includes(genre)) await setLabels(example, without(example.genres));
    changed();
}

/**
 * @param {string} genre
 * @param {string} name
 */
export async function renameGenre(genre, name) {
    const replace = (/** @type {string[]} */ names) => names.map((other) => (other === genre ? name : other));
    const own = await ownModel();
    const { genres, added, renamed } = own;
    // A genre of the base is trained under its old name and renamed afterwards; a new genre only needs the new name.
    const original = renamed.find(([, to]) => to === genre)?.[0] ?? genre;
    const others = renamed.filter(([from]) => from !== original);
    /** @type {[string, string][]} */
    const names = added.includes(genre) ? renamed : [...others, [original, name]];
    await models.change(own, { genres: replace(genres), added: replace(added), renamed: names });
    for (const example of examples) await setLabels(example, replace(example.genres));
    changed();
}

/** @param {Pick<OwnModel, "genres" | "added">} changes */
async function changeGenres(changes) {
    if (model) await models.change(model, changes);
    else pending = changes;
}

/**
 * Sets a poster's genres.
 *
 * @param {Example} example
 * @param {string[]} genres
 */
export async function setLabels(example, genres) {
    example.genres = genres;
    if (!example.id) return;
    await store.changeExample(example.id, genres).catch(models.reportStorageError);
    models.announceExamples(example.network);
}

/** Adds a genre to a poster, or removes it. @param {Example} example @param {string} genre */
export async function toggleLabel(example, genre) {
    const { genres } = example;
    await setLabels(example, genres.includes(genre) ? genres.filter((other) => other !== genre) : [...genres, genre]);
    labelsChanged();
}

/**
 * Saves a poster of a model, without showing it.
 *
 * @param {OwnModel} model
 * @param {File} file
 * @param {string[]} genres
 * @returns {Promise<Example>}
 */
export async function saveExample(model, file, genres) {
    const example = { network: model.id, name: file.name, file: new Blob([await file.arrayBuffer()], { type: file.type }), genres };
    if (models.isStored(model.id)) {
        try {
            const saved = await store.addExample(example);
            models.announceExamples(model.id);
            return saved;
        } catch (error) {
            models.reportStorageError(error);
        }
    }
    return { ...example, id: 0 };
}

/** Saves a poster again that was removed. Returns undefined if another model is shown by now. @param {Example} example */
export async function restoreExample(example) {
    if (!model || model.id !== example.network) return undefined;
    return saveExample(model, new File([example.file], example.name, { type: example.file.type }), example.genres);
}

/**
 * Returns the genres and labels as they are, as a function that restores them.
 *
 * @returns {() => Promise<void>}
 */
export function snapshot() {
    const [owner, before] = [model, model ?? pending];
    const saved = { genres: [...before.genres], added: [...before.added] };
    const labels = new Map([...examples].map((example) => [example, example.genres]));
    return async () => {
        if (model !== owner) return;
        await changeGenres(saved);
        for (const [example, genres] of labels) if (examples.has(example)) await setLabels(example, genres);
        changed();
    };
}

/** @param {Example} example */
export async function removeExample(example) {
    examples.delete(example);
    changed();
    if (!example.id) return;
    await store.deleteExample(example.id).catch(models.reportStorageError);
    models.announceExamples(example.network);
}
