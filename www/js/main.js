/**
 * The page: joins what the visitor does with the classifier (client.js) and with what is shown.
 *
 * @import { FromWorker, Manifest } from "./messages.js"
 */

import { Batch } from "./batch.js";
import * as camera from "./camera.js";
import * as card from "./card.js";
import { Client } from "./client.js";
import { element } from "./dom.js";
import * as gallery from "./gallery.js";
import * as intake from "./intake.js";
import * as evaluation from "./evaluation.js";
import * as offline from "./offline.js";
import * as poster from "./poster.js";
import * as modelPicker from "./model-picker.js";
import * as models from "./models.js";
import * as saveBatch from "./save-batch.js";
import { listen as listenToSettings } from "./settings.js";
import * as teach from "./teach/view.js";

/** @type {Manifest | undefined} */
let manifest;
/** @type {Batch | undefined} */
let batch;
/** Counts the posters that were asked for, so that an answer to an older one is not shown. */
let latest = 0;
/** The poster whose answer is shown. @type {{ file: File, name: string } | undefined} */
let answered;
/** Whether another network was chosen and has not answered yet. */
let switched = false;

let settings = listenToSettings((changed) => {
    settings = changed;
    applySettings();
    client.chooseDevice(settings.device);
});
applySettings();
const client = new Client(settings.device, hear);
models.listen({
    onSelect: (model) => {
        switched = true;
        useModel(model);
    },
});
models.restore().then((model) => {
    useModel(model);
    if (model) modelPicker.showInterruption(model);
});

const back = element("back", HTMLButtonElement);
poster.listen(takeSample);
intake.listen(take, (message) => {
    if (teach.isShown()) {
        teach.showError(message);
        return;
    }
    showOne();
    poster.showError(message);
});
element("open-teach", HTMLButtonElement).addEventListener("click", showTeach);
element("close-teach", HTMLButtonElement).addEventListener("click", () => (batch ? showMany() : showOne()));
element("teach-many", HTMLButtonElement).addEventListener("click", async () => {
    showTeach();
    await teach.addPosters(gallery.shown().map(({ file }) => file));
});
camera.listen((file) => take([file]));
gallery.listen(async ({ file, name }) => {
    showOne();
    back.hidden = false;
    back.focus();
    await explain(file, name);
});
back.addEventListener("click", showMany);
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !back.hidden && !document.querySelector("dialog[open]")) showMany();
});
element("close-many", HTMLButtonElement).addEventListener("click", () => {
    batch?.close();
    batch = undefined;
    showOne();
});
for (const [id, write] of /** @type {const} */ ([["save-csv", saveBatch.csv], ["save-json", saveBatch.json]])) {
    element(id, HTMLButtonElement).addEventListener("click", () => {
        if (batch && manifest) write(batch.items, manifest.genres, settings.thresholds);
    });
}
offline.keep();

function applySettings() {
    poster.applySettings(settings);
    gallery.applySettings(settings);
    teach.applyDevice({ choice: settings.device });
}

/** @param {FromWorker} message */
function hear(message) {
    if (message.type === "progress") poster.showProgress(message.loaded, message.total);
    if (message.type === "ready") {
        manifest = message.manifest;
        poster.showReady(manifest.genres);
        gallery.showReady(manifest.genres);
        card.show(manifest);
        teach.showReady(manifest);
        // What the other network has answered is asked anew.
        if (switched && answered) explain(answered.file, answered.name);
        switched = false;
    }
    if (message.type === "device") {
        poster.showDevice(message.device, message.reason);
        teach.applyDevice({ device: message.device });
        if (message.device === "webgpu") offline.keepGpu();
    }
    if (message.type === "failed") {
        const broken = models.current();
        if (broken?.file) {
            models.select(undefined);
            modelPicker.showNote(`“${broken.name}” cannot be loaded (${message.message}); the built-in model is used.`);
        } else {
            poster.showFailed(message.message);
        }
    }
}

/** One poster is looked at closely, several make a gallery, and a table of true genres judges it. @param {File[]} files */
async function take(files) {
    const own = files.filter(({ name }) => /\.safetensors$/i.test(name));
    for (const file of own) await importModel(file);
    files = files.filter((file) => !own.includes(file));
    if (!files.length) return;
    const tables = files.filter(({ name, type }) => /\.csv$/i.test(name) || type === "text/csv");
    const posters = files.filter((file) => !tables.includes(file));
    const [table, second] = tables;
    if (teach.isShown()) {
        await takeToTeach(posters, table);
        return;
    }
    if (posters.length === 1 && !table) {
        showOne();
        back.hidden = true;
        await explain(posters[0], posters[0]?.name ?? "");
        return;
    }
    if (posters.length) {
        batch?.close();
        evaluation.hide();
        batch = new Batch(client, posters, gallery.add);
        gallery.start(batch);
        showMany();
    } else if (!batch) {
        poster.showError(`${table?.name}: a table of true genres judges posters; drop them together.`);
        return;
    }
    if (table && batch) await judge(batch, table);
    if (second && batch) evaluation.showError(`${second.name}: one table at a time; ${table?.name} was taken.`);
}

/** @param {import("./store.js").OwnModel | undefined} model */
function useModel(model) {
    client.useModel(model?.file ?? model?.base ?? null);
    teach.showModel(model);
}

/** A network that someone taught. @param {File} file */
async function importModel(file) {
    showTeach();
    try {
        const { name } = await models.importFile(file, (copy) => client.request("inspect", copy));
        modelPicker.showNote(`“${name}” is now in use.`);
    } catch (error) {
        teach.showError(`${file.name}: ${error instanceof Error ? error.message : error}`);
    }
}

/**
 * Posters to learn from, and a table that says which genres they have.
 *
 * @param {File[]} posters
 * @param {File | undefined} csv
 */
async function takeToTeach(posters, csv) {
    try {
        const labels = csv && (await client.request("readLabels", await csv.text()));
        const rows = new Map(labels?.rows.map(({ id, labels }) => [id, labels]));
        const of = (/** @type {string} */ name) => {
            const row = rows.get(name.replace(/\.[^.]*$/, ""));
            return row && labels?.genres.filter((_, index) => row[index]);
        };
        const names = posters.length ? posters.map(({ name }) => name) : teach.posterNames();
        const genres = [...new Set(names.flatMap((name) => of(name) ?? []))];
        if (labels && !genres.length) throw new Error("none of its ids is the name of one of these posters");
        if (posters.length) await teach.addPosters(posters, labels && { genres, of });
        else await teach.applyLabels({ genres, of });
    } catch (error) {
        teach.showError(`${csv ? `${csv.name}: ` : ""}${error instanceof Error ? error.message : error}`);
    }
}

/**
 * @param {Batch} judged
 * @param {File} table
 */
async function judge(judged, table) {
    await judged.finished;
    if (batch === judged && manifest) await evaluation.evaluate(client, judged, table, manifest.genres);
}

/**
 * @param {File | undefined} file
 * @param {string} name
 */
async function explain(file, name) {
    if (!file) return;
    const mine = ++latest;
    poster.showWorking(file, name);
    try {
        const answer = await client.request("explain", file);
        // A poster that was dropped meanwhile is the one that the visitor waits for.
        if (mine !== latest) return;
        poster.showAnswer(answer);
        answered = { file, name };
    } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (mine === latest) poster.showRefused(`${name}: ${message}`);
    }
}

/**
 * @param {string} address
 * @param {string} title
 */
async function takeSample(address, title) {
    const response = await fetch(address).catch(() => undefined);
    if (response?.ok) {
        await take([new File([await response.blob()], title)]);
    } else {
        poster.showError("The sample poster cannot be loaded; choose a poster of your own.");
    }
}

function showTeach() {
    gallery.show(false);
    poster.show(false);
    teach.show(true);
}

function showOne() {
    gallery.show(false);
    teach.show(false);
    poster.show(true);
    back.hidden = !batch;
}

function showMany() {
    latest++; // what is still asked for is no longer waited for
    poster.show(false);
    teach.show(false);
    gallery.show(true);
}
