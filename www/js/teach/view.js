/**
 * The Teach view: fine-tunes a model on a few of the visitor's posters. Its parts are the genres, the posters, the
 * training and the results; state.js holds what they show.
 *
 * A ticked genre is present and an unticked one absent. Only the listed genres are trained; all others have unknown
 * labels and stay as they are.
 *
 * @import { OwnModel } from "../store.js"
 */

import "./genres.js";
import { element } from "../dom.js";
import { message } from "../errors.js";
import { whyMissing } from "../../marquee/assets.js";
import * as models from "../models.js";
import * as store from "../store.js";
import { strings } from "../strings/index.js";
import * as posters from "./posters.js";
import * as state from "./state.js";
import { showError, showStatus } from "./status.js";
import * as training from "./training.js";

export { showInterruption, showNote } from "../model-picker.js";
export { setManifest as showReady } from "./state.js";
export { showError } from "./status.js";
export { applyDevice } from "./training.js";

models.listen({
    onElsewhere: state.changed,
    onExamples: (id) => {
        if (id === state.current()?.id && !training.isRunning()) reload();
    },
});

const page = { title: element("teach-title", HTMLElement) };
/** Whether a model has been shown. */
let isShown = false;

/** Takes the focus, and says if training is not possible. */
export function enter() {
    page.title.focus();
    const reason = whyMissing("teach");
    if (reason) showError(strings.teach.notYet(message(reason)));
}

/** Shows another model and its posters. @param {OwnModel | undefined} model  undefined is the built-in model */
export async function showModel(model) {
    // The stored models may be read after the visitor has begun: what is on show stays, errors included.
    if (isShown && model === state.current()) {
        state.changed();
        return;
    }
    isShown = true;
    state.open(model);
    posters.clear();
    training.clear();
    await reload();
}

/** Shows the model's posters as they are stored. */
async function reload() {
    const model = state.current();
    const examples = model && models.isStored(model.id) ? await store.examples(model.id).catch(() => []) : [];
    if (state.current() !== model) return;
    state.examples.clear();
    posters.clear();
    for (const example of examples) await posters.add(example);
    state.changed();
}

/** Returns why posters, genres and models cannot change now; empty if they can. */
export function whyBusy() {
    return training.isRunning() ? strings.training.busy : "";
}

/** Returns whether a reload would lose a training, or genres and models that are not stored. */
export function isUnsaved() {
    const hasPending = !state.current() && state.genres().length > 0;
    return training.isRunning() || hasPending || models.all().some(({ id }) => !models.isStored(id));
}

/**
 * Adds training posters.
 *
 * @param {File[]} files
 * @param {state.Labels} [labels]  ticks their genres
 */
export async function addPosters(files, labels) {
    showError(whyBusy());
    if (whyBusy()) return;
    const model = await state.ownModel();
    await state.addGenres(labels?.genres ?? []);
    let unlabelled = 0;
    for (const file of files) {
        const genres = labels?.genresOf(file.name);
        if (labels && !genres) unlabelled++;
        const example = await state.saveExample(model, file, genres ?? []);
        if (state.current() === model) await posters.add(example);
    }
    if (unlabelled) showError(strings.teachPosters.noRow(unlabelled, files.length));
    state.changed();
}

/**
 * Adds a poster that was predicted wrongly, with the predicted genres ticked, and moves to it.
 *
 * @param {File} file
 * @param {string[]} genres  the predicted ones
 */
export async function correct(file, genres) {
    await addPosters([file], { genres, genresOf: () => genres });
    if (whyBusy()) return;
    posters.focusLast();
    showStatus(strings.teachWrong.correct(file.name));
}

/** Ticks the genres of the posters that are shown. @param {state.Labels} labels */
export async function applyLabels(labels) {
    showError(whyBusy());
    if (whyBusy()) return;
    await state.addGenres(labels.genres);
    for (const example of state.examples) {
        const genres = labels.genresOf(example.name);
        if (genres) await state.setLabels(example, genres);
    }
    state.changed();
}

/** Returns the file names of the training posters. */
export function posterNames() {
    return [...state.examples].map(({ name }) => name);
}
