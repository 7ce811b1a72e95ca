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
import * as judgement from "./evaluation.js";
import * as offline from "./offline.js";
import * as poster from "./poster.js";
import * as save from "./save.js";
import * as networks from "./models.js";
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
    client.choose(settings.device);
});
applySettings();
const client = new Client(settings.device, hear);
networks.listen((network) => {
    switched = true;
    useNetwork(network);
});
// Nobody waits for this who has taught nothing.
networks.restore().then(useNetwork);

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
    await teach.take(gallery.shown().map(({ file }) => file));
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
for (const [id, write] of /** @type {const} */ ([["save-csv", save.csv], ["save-json", save.json]])) {
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
        const broken = networks.inUse();
        if (broken?.file) {
            networks.use(undefined);
            networks.note(`“${broken.name}” cannot be loaded (${message.message}); the shipped network answers.`);
        } else {
            poster.showFailed(message.message);
        }
    }
}

/** One poster is looked at closely, several make a gallery, and a table of true genres judges it. @param {File[]} files */
async function take(files) {
    const own = files.filter(({ name }) => /\.safetensors$/i.test(name));
    for (const file of own) await takeNetwork(file);
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
        judgement.hide();
        batch = new Batch(client, posters, gallery.add);
        gallery.start(batch);
        showMany();
    } else if (!batch) {
        poster.showError(`${table?.name}: a table of true genres judges posters; drop them together.`);
        return;
    }
    if (table && batch) await judge(batch, table);
    if (second && batch) judgement.showError(`${second.name}: one table at a time; ${table?.name} was taken.`);
}

/** @param {import("./store.js").Network | undefined} network */
function useNetwork(network) {
    client.use(network?.file ?? network?.base ?? null);
    teach.showNetwork(network);
}

/** A network that someone taught. @param {File} file */
async function takeNetwork(file) {
    showTeach();
    try {
        await networks.take(file, (copy) => client.ask("inspect", copy));
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
        const labels = csv && (await client.ask("readLabels", await csv.text()));
        const rows = new Map(labels?.rows.map(({ id, labels }) => [id, labels]));
        const of = (/** @type {string} */ name) => {
            const row = rows.get(name.replace(/\.[^.]*$/, ""));
            return row && labels?.genres.filter((_, index) => row[index]);
        };
        const names = posters.length ? posters.map(({ name }) => name) : teach.names();
        const genres = [...new Set(names.flatMap((name) => of(name) ?? []))];
        if (labels && !genres.length) throw new Error("none of its ids is the name of one of these posters");
        if (posters.length) await teach.take(posters, labels && { genres, of });
        else await teach.label({ genres, of });
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
    if (batch === judged && manifest) await judgement.judge(client, judged, table, manifest.genres);
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
        const answer = await client.ask("explain", file);
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
