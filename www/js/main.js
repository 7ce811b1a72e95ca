/**
 * Connects the views with the classifier: what the visitor does becomes requests, and their results are shown. Parts
 * that the first result does not need are imported when they are used.
 *
 * @import { DeviceName, Manifest } from "./messages.js"
 * @import { OwnModel } from "./store.js"
 */

import { Batch } from "./batch.js";
import { element } from "./dom.js";
import { message } from "./errors.js";
import * as gallery from "./gallery.js";
import * as intake from "./intake.js";
import * as models from "./models.js";
import * as offline from "./offline.js";
import * as poster from "./poster.js";
import { Session } from "./session.js";
import * as settingsDialog from "./settings-dialog.js";
import { strings } from "./strings/index.js";
import * as teach from "./teach/on-demand.js";

/** Of the model in use. @type {Manifest | undefined} */
let manifest;
/** @type {Batch | undefined} */
let batch;
/** Counts the requests for one poster, so that a result that comes too late is not shown. */
let latestRequest = 0;
/** The poster whose result is on show. @type {{ file: File, name: string } | undefined} */
let explained;
/** Whether another model was selected and is not ready yet. */
let isSwitching = false;

let settings = settingsDialog.listen((changed) => {
    settings = changed;
    applySettings();
    session.chooseDevice(settings.device);
});
applySettings();
const session = new Session(settings.device, {
    onProgress: ({ loaded, total }) => poster.showProgress(loaded, total),
    onReady: showReady,
    onDevice: showDevice,
    onFailed: showModelFailure,
});
models.listen({
    onSelect: (model) => {
        isSwitching = true;
        useModel(model);
    },
});
models.restore().then(async (model) => {
    useModel(model);
    if (models.all().length) await teach.load(); // it names the model in use
    if (model) (await teach.load()).showInterruption(model);
});

const back = element("back", HTMLButtonElement);
poster.listen(openSample);
intake.listen(open, async (message) => {
    if (teach.isShown()) {
        (await teach.load()).showError(message);
        return;
    }
    showPoster();
    poster.showError(message);
});
gallery.listen(async ({ file, name }) => {
    showPoster();
    back.hidden = false;
    back.focus();
    await explain(file, name);
});
onClick("open-teach", showTeach);
element("close-teach", HTMLButtonElement).addEventListener("click", () => (batch ? showGallery() : showPoster()));
onClick("teach-many", async () => {
    const view = await showTeach();
    await view.addPosters(gallery.shown().map(({ file }) => file));
});
onClick("open-camera", async () => {
    const camera = await import("./camera.js");
    await camera.show((file) => open([file]));
});
onClick("open-card", showCard);
element("close-many", HTMLButtonElement).addEventListener("click", () => {
    batch?.close();
    batch = undefined;
    showPoster();
});
for (const [id, format] of /** @type {const} */ ([["save-csv", "csv"], ["save-json", "json"]])) {
    onClick(id, async () => {
        const saveBatch = await import("./save-batch.js");
        if (batch && manifest) saveBatch[format](batch.items, manifest.genres, settings.thresholds);
    });
}
back.addEventListener("click", showGallery);
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !back.hidden && !document.querySelector("dialog[open]")) showGallery();
});
offline.start();

/**
 * Runs an action when a button is clicked. The action may import a part of the page, which fails without a network.
 *
 * @param {string} id
 * @param {() => Promise<unknown>} action
 */
function onClick(id, action) {
    element(id, HTMLButtonElement).addEventListener("click", async () => {
        await action().catch((error) => {
            showPoster();
            poster.showError(strings.page.partFailed(message(error)));
            throw error;
        });
    });
}

function applySettings() {
    poster.applySettings(settings);
    gallery.applySettings(settings);
    teach.applyDevice({ choice: settings.device });
}

/** @param {OwnModel | undefined} model  undefined is the built-in one */
function useModel(model) {
    session.useModel(model?.file ?? model?.base ?? null);
    teach.showModel(model);
}

/** @param {Manifest} loaded  of the model in use */
function showReady(loaded) {
    manifest = loaded;
    poster.showReady(manifest.genres);
    gallery.showReady(manifest.genres);
    teach.showReady(manifest);
    if (element("card", HTMLDialogElement).open) showCard();
    // The result on show is the previous model's.
    if (isSwitching && explained) explain(explained.file, explained.name);
    isSwitching = false;
}

/**
 * @param {DeviceName} device  the one used from now on
 * @param {string} reason
 */
function showDevice(device, reason) {
    poster.showDevice(device, reason);
    teach.applyDevice({ device });
    if (device === "webgpu") offline.keepGpu();
}

/** Falls back to the built-in model if a model of the visitor's cannot be loaded. @param {string} reason */
async function showModelFailure(reason) {
    const broken = models.current();
    if (broken?.file) {
        models.select(undefined);
        (await teach.load()).showNote(strings.models.cannotLoad(broken.name, reason));
    } else {
        poster.showFailed(reason);
    }
}

/**
 * Opens files: models are added, one poster is explained, several are classified in the gallery, and a table of
 * genres evaluates them. While the Teach view is open, posters and the table go there.
 *
 * @param {File[]} files
 */
async function open(files) {
    const bundles = files.filter(({ name }) => /\.safetensors$/i.test(name));
    const tables = files.filter(({ name, type }) => /\.csv$/i.test(name) || type === "text/csv");
    const posters = files.filter((file) => !bundles.includes(file) && !tables.includes(file));
    const [table, ignored] = tables;
    for (const bundle of bundles) await importModel(bundle);
    if (!posters.length && !table) return;

    if (teach.isShown()) {
        const { addFiles } = await import("./teach/add-files.js");
        await addFiles(session, posters, table);
        return;
    }
    const [first] = posters;
    if (first && posters.length === 1 && !table) {
        showPoster();
        back.hidden = true;
        await explain(first, first.name);
        return;
    }
    if (posters.length) {
        startBatch(posters);
    } else if (!batch) {
        poster.showError(strings.gallery.tableAlone(table?.name ?? ""));
        return;
    }
    if (table && batch) await evaluate(batch, table, ignored);
}

/** @param {File} file */
async function importModel(file) {
    const view = await showTeach();
    try {
        const { name } = await models.importFile(file, (copy) => session.inspect(copy));
        view.showNote(strings.models.imported(name));
    } catch (error) {
        view.showError(`${file.name}: ${message(error)}`);
    }
}

/** @param {File[]} posters */
function startBatch(posters) {
    batch?.close();
    batch = new Batch(session, posters, gallery.add);
    gallery.start(batch);
    showGallery();
}

/**
 * Compares a batch with a table of its genres, once all of it is classified.
 *
 * @param {Batch} evaluated
 * @param {File} table
 * @param {File | undefined} ignored  a second table
 */
async function evaluate(evaluated, table, ignored) {
    const evaluation = await import("./evaluation.js");
    await evaluated.finished;
    if (batch !== evaluated || !manifest) return;
    await evaluation.evaluate(session, evaluated, table, manifest.genres);
    if (ignored) evaluation.showError(strings.gallery.oneTable(ignored.name, table.name));
}

/**
 * Classifies one poster, with heatmaps.
 *
 * @param {File} file
 * @param {string} name
 */
async function explain(file, name) {
    const request = ++latestRequest;
    poster.showWorking(file, name);
    try {
        const result = await session.explain(file);
        if (request !== latestRequest) return; // another poster was opened meanwhile
        poster.showResult(result);
        explained = { file, name };
    } catch (error) {
        if (request === latestRequest) poster.showRefused(`${name}: ${message(error)}`);
    }
}

/**
 * @param {string} address
 * @param {string} title
 */
async function openSample(address, title) {
    const response = await fetch(address).catch(() => undefined);
    if (response?.ok) {
        await open([new File([await response.blob()], title)]);
    } else {
        poster.showError(strings.poster.sampleFailed);
    }
}

function showPoster() {
    gallery.show(false);
    teach.hide();
    poster.show(true);
    back.hidden = !batch;
}

function showGallery() {
    latestRequest++; // the result of a request for one poster is no longer shown
    poster.show(false);
    teach.hide();
    gallery.show(true);
}

async function showCard() {
    const card = await import("./card.js");
    card.show(manifest);
}

async function showTeach() {
    const view = await teach.load();
    gallery.show(false);
    poster.show(false);
    view.show(true);
    return view;
}
