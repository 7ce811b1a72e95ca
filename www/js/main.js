/**
 * Connects the views with the classifier: what the visitor does becomes requests, and their results are shown.
 *
 * @import { FromClassifier, Manifest } from "./messages.js"
 * @import { OwnModel } from "./store.js"
 */

import { Batch } from "./batch.js";
import * as camera from "./camera.js";
import * as card from "./card.js";
import { Client } from "./client.js";
import { element } from "./dom.js";
import { message } from "./errors.js";
import * as evaluation from "./evaluation.js";
import * as gallery from "./gallery.js";
import * as intake from "./intake.js";
import * as modelPicker from "./model-picker.js";
import * as models from "./models.js";
import * as offline from "./offline.js";
import * as poster from "./poster.js";
import * as saveBatch from "./save-batch.js";
import * as settingsDialog from "./settings-dialog.js";
import { strings } from "./strings/index.js";
import { addFiles } from "./teach/add-files.js";
import * as teach from "./teach/view.js";

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
    client.chooseDevice(settings.device);
});
applySettings();
const client = new Client(settings.device, receive);
models.listen({
    onSelect: (model) => {
        isSwitching = true;
        useModel(model);
    },
});
models.restore().then((model) => {
    useModel(model);
    if (model) modelPicker.showInterruption(model);
});

const back = element("back", HTMLButtonElement);
poster.listen(openSample);
intake.listen(open, (message) => {
    if (teach.isShown()) {
        teach.showError(message);
        return;
    }
    showPoster();
    poster.showError(message);
});
camera.listen((file) => open([file]));
gallery.listen(async ({ file, name }) => {
    showPoster();
    back.hidden = false;
    back.focus();
    await explain(file, name);
});
element("open-teach", HTMLButtonElement).addEventListener("click", showTeach);
element("close-teach", HTMLButtonElement).addEventListener("click", () => (batch ? showGallery() : showPoster()));
element("teach-many", HTMLButtonElement).addEventListener("click", async () => {
    showTeach();
    await teach.addPosters(gallery.shown().map(({ file }) => file));
});
element("close-many", HTMLButtonElement).addEventListener("click", () => {
    batch?.close();
    batch = undefined;
    showPoster();
});
for (const [id, save] of /** @type {const} */ ([["save-csv", saveBatch.csv], ["save-json", saveBatch.json]])) {
    element(id, HTMLButtonElement).addEventListener("click", () => {
        if (batch && manifest) save(batch.items, manifest.genres, settings.thresholds);
    });
}
back.addEventListener("click", showGallery);
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !back.hidden && !document.querySelector("dialog[open]")) showGallery();
});
offline.start();

function applySettings() {
    poster.applySettings(settings);
    gallery.applySettings(settings);
    teach.applyDevice({ choice: settings.device });
}

/** @param {OwnModel | undefined} model  undefined is the built-in one */
function useModel(model) {
    client.useModel(model?.file ?? model?.base ?? null);
    teach.showModel(model);
}

/** @param {FromClassifier} received */
function receive(received) {
    switch (received.type) {
        case "progress":
            poster.showProgress(received.loaded, received.total);
            break;
        case "ready":
            manifest = received.manifest;
            poster.showReady(manifest.genres);
            gallery.showReady(manifest.genres);
            card.show(manifest);
            teach.showReady(manifest);
            // The result on show is the previous model's.
            if (isSwitching && explained) explain(explained.file, explained.name);
            isSwitching = false;
            break;
        case "device":
            poster.showDevice(received.device, received.reason);
            teach.applyDevice({ device: received.device });
            if (received.device === "webgpu") offline.keepGpu();
            break;
        case "failed":
            showModelFailure(received.message);
            break;
    }
}

/** Falls back to the built-in model if a model of the visitor's cannot be loaded. @param {string} reason */
function showModelFailure(reason) {
    const broken = models.current();
    if (broken?.file) {
        models.select(undefined);
        modelPicker.showNote(strings.models.cannotLoad(broken.name, reason));
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
        await addFiles(client, posters, table);
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
    if (table && batch) await evaluate(batch, table);
    if (ignored && batch) evaluation.showError(strings.gallery.oneTable(ignored.name, table?.name ?? ""));
}

/** @param {File} file */
async function importModel(file) {
    showTeach();
    try {
        const { name } = await models.importFile(file, (copy) => client.request("inspect", copy));
        modelPicker.showNote(strings.models.imported(name));
    } catch (error) {
        teach.showError(`${file.name}: ${message(error)}`);
    }
}

/** @param {File[]} posters */
function startBatch(posters) {
    batch?.close();
    evaluation.hide();
    batch = new Batch(client, posters, gallery.add);
    gallery.start(batch);
    showGallery();
}

/**
 * Compares a batch with a table of its genres, once all of it is classified.
 *
 * @param {Batch} evaluated
 * @param {File} table
 */
async function evaluate(evaluated, table) {
    await evaluated.finished;
    if (batch === evaluated && manifest) await evaluation.evaluate(client, evaluated, table, manifest.genres);
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
        const result = await client.request("explain", file);
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
    teach.show(false);
    poster.show(true);
    back.hidden = !batch;
}

function showGallery() {
    latestRequest++; // the result of a request for one poster is no longer shown
    poster.show(false);
    teach.show(false);
    gallery.show(true);
}

function showTeach() {
    gallery.show(false);
    poster.show(false);
    teach.show(true);
}
