/**
 * Connects the views with the classifier: what the visitor does becomes requests, and their results are shown. Parts
 * that the first result does not need are imported when they are used.
 *
 * @import { Item } from "./batch.js"
 * @import { GalleryBatch } from "./gallery-batch.js"
 * @import { DeviceName, Manifest } from "./messages.js"
 * @import { OwnModel } from "./store.js"
 */

import { element } from "./dom.js";
import { message } from "./errors.js";
import * as intake from "./intake.js";
import * as poster from "./poster.js";
import { FIRST, SAMPLES } from "./samples.js";
import { Session } from "./session.js";
import { OWN_MODEL_KEY, applyLook, restore as restoreSettings } from "./settings.js";
import { browserLanguage, language, strings } from "./strings/index.js";
import * as teach from "./teach/on-demand.js";
import * as views from "./views.js";

/** Of the model in use. @type {Manifest | undefined} */
let manifest;
/** The gallery; undefined until there is one. @type {GalleryBatch | undefined} */
let batch;
/** Moves between the gallery's posters. @type {typeof import("./browse.js") | undefined} */
let browse;
/** Counts the requests for one poster, so that a result that comes too late is not shown. */
let latestRequest = 0;
/** The posters that this visit has explained, for the browser's history. @type {{ file: File, name: string, item?: Item }[]} */
const opened = [];
/** Which of them is on show. */
let onShow = -1;
/** The sample that is on show until the visitor opens a poster. @type {{ file: File, name: string } | undefined} */
let first;
/** The last request for one poster, finished or not. @type {Promise<void>} */
let explaining = Promise.resolve();
/** @type {Promise<typeof import("./models.js")> | undefined} */
let loadingModels;
/** @type {Promise<typeof import("./offline.js")> | undefined} */
let loadingOffline;
let isOnGpu = false;
/** Whether another model was selected and is not ready yet. */
let isSwitching = false;

let settings = restoreSettings();
applySettings();
const session = new Session(settings.device, {
    onProgress: ({ loaded, total }) => poster.showProgress(loaded, total),
    onReady: showReady,
    onDevice: showDevice,
    onFailed: showModelFailure,
});
if (hasOwnModel()) ownModels().catch(() => {}); // later, the Teach view tries again

showConnection();
for (const change of ["online", "offline"]) window.addEventListener(change, showConnection);
const back = element("back", HTMLButtonElement);
views.listen(show);
poster.listen(openSample);
poster.showFirst();
intake.listen((files) => attempt(() => open(files)), async (message) => {
    if (views.current().name === "teach") {
        (await teach.load()).showError(message);
        return;
    }
    views.open("poster");
    poster.showError(message);
});
onClick("open-teach", showTeach);
onClick("close-teach", async () => views.close());
onClick("teach-many", async () => {
    const posters = batch?.shown().map(({ file }) => file) ?? [];
    await (await showTeach()).addPosters(posters);
});
onClick("open-camera", openCamera);
onClick("share", async () => {
    const share = await import("./share.js");
    const [explained, answer] = [onPage(), poster.answer()];
    if (explained && answer) share.show({ name: explained.name, ...answer }, settings);
});
onClick("wrong", async () => {
    const [explained, answer] = [onPage(), poster.answer()];
    if (!explained || !answer) return;
    const view = await showTeach();
    await view.correct(explained.file, poster.likelyGenres());
});
onClick("open-compare", compare);
onClick("open-card", showCard);
onClick("open-settings", async () => {
    const dialog = await import("./settings-dialog.js");
    dialog.show(settings, (changed) => {
        const hasOtherLanguage = changed.language !== settings.language;
        settings = changed;
        applySettings();
        session.chooseDevice(settings.device);
        if (hasOtherLanguage && !changeLanguage()) dialog.showNote(strings.settings.languageLater);
    });
});
onClick("close-many", async () => {
    batch?.close(() => views.open("gallery"));
    views.close();
});
onClick("save-csv", async () => batch?.save("csv", settings.thresholds));
onClick("save-json", async () => batch?.save("json", settings.thresholds));
onClick("back", async () => views.close("gallery"));
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && views.current().name === "poster" && batch?.isOpen && !document.querySelector("dialog[open]")) {
        views.close("gallery");
    }
});
/** The browser's offer to install the page, which may come at any time. @type {Promise<Event>} */
const installation = new Promise((resolve) => window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    resolve(event);
}));
attempt(openFromElsewhere);

/**
 * Runs an action when a button is clicked.
 *
 * @param {string} id
 * @param {() => Promise<unknown>} action
 */
function onClick(id, action) {
    element(id, HTMLButtonElement).addEventListener("click", () => attempt(action));
}

/** Runs an action that may import a part of the page, which fails without a network. @param {() => Promise<unknown>} action */
async function attempt(action) {
    try {
        await action();
    } catch (error) {
        views.open("poster");
        poster.showError(strings.page.partFailed(message(error)));
        throw error;
    }
}

function applySettings() {
    applyLook(settings);
    poster.applySettings(settings);
    batch?.applySettings(settings);
    teach.applyDevice({ choice: settings.device });
}

/**
 * Shows the page in the chosen language by loading it again. Returns false if that must wait, because something of the
 * visitor's would be lost.
 */
function changeLanguage() {
    if (restoreSettings().language !== settings.language) { // the address has another one, or nothing is stored here
        const address = new URL(location.href);
        address.searchParams.set("language", settings.language);
        history.replaceState(history.state, "", address);
    }
    if ((settings.language === "system" ? browserLanguage : settings.language) === language) return true;
    const isSample = (/** @type {string} */ name) => SAMPLES.some(({ title }) => title === name);
    const hasUndo = !element("toast", HTMLElement).hidden;
    if (batch?.isOpen || hasUndo || opened.some(({ name }) => !isSample(name)) || teach.isUnsaved()) return false;
    location.reload();
    return true;
}

/** Returns whether a model of the visitor's is in use. */
function hasOwnModel() {
    try {
        return Boolean(localStorage.getItem(OWN_MODEL_KEY));
    } catch {
        return false; // a browser without storage has none
    }
}

/** Loads the visitor's own models. Unless one is in use, the first answer does not wait for them. */
function ownModels() {
    loadingModels ??= restoreModels().catch((error) => {
        loadingModels = undefined; // the next call tries again
        throw error;
    });
    return loadingModels;
}

async function restoreModels() {
    const models = await import("./models.js");
    models.listen({
        onSelect: (model) => {
            isSwitching = true;
            batch?.changeModel();
            useModel(model);
        },
        onNote: async (text) => (await teach.load()).showNote(text),
    });
    models.restore().then(async (model) => {
        isSwitching = model !== undefined; // the built-in model may have answered meanwhile
        useModel(model);
        if (models.all().length) await teach.load(); // it names the model in use
        if (model) (await teach.load()).showInterruption(model);
    });
    return models;
}

/** Says so where there is no network. */
function showConnection() {
    element("offline", HTMLElement).hidden = navigator.onLine;
}

/** Loads what the first answer does not need. Without a network, the next visit tries again. */
function loadRest() {
    ownModels().catch(() => {});
    loadingOffline ??= import("./offline.js").then((offline) => {
        offline.start(installation);
        if (isOnGpu) offline.keepGpu();
        return offline;
    });
    loadingOffline.catch(() => {});
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
    batch?.showReady(manifest);
    teach.showReady(manifest);
    if (element("card", HTMLDialogElement).open) showCard();
    if (onShow < 0) explaining = explainFirst();
    explaining.then(loadRest); // the visitor may have chosen a poster already
    if (!isSwitching) return;
    isSwitching = false;
    showAgain();
}

/**
 * @param {DeviceName} device  the one used from now on
 * @param {string} reason
 */
function showDevice(device, reason) {
    poster.showDevice(device, reason);
    teach.applyDevice({ device });
    isOnGpu = device === "webgpu";
    if (isOnGpu) loadingOffline?.then(({ keepGpu }) => keepGpu(), () => {});
}

/** Falls back to the built-in model if a model of the visitor's cannot be loaded. @param {string} reason */
async function showModelFailure(reason) {
    const models = await loadingModels?.catch(() => undefined);
    loadRest();
    const broken = models?.current();
    if (models && broken?.file) {
        // The next visit tries again: loading also fails when a page is left meanwhile, in some browsers.
        models.select(undefined, { isLasting: false });
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

    if (views.current().name === "teach") {
        const { addFiles } = await import("./teach/add-files.js");
        await addFiles(session, posters, table);
        return;
    }
    const [first] = posters;
    if (first && posters.length === 1 && !table) {
        await openPoster(first, first.name);
        return;
    }
    if (posters.length) {
        const { GalleryBatch } = await import("./gallery-batch.js");
        browse = await import("./browse.js");
        batch ??= new GalleryBatch(session, settings, manifest, (item) => openPoster(item.file, item.name, item));
        if (!(await batch.open(posters))) return;
        views.open("gallery");
    } else if (!batch?.isOpen) {
        poster.showError(strings.gallery.tableAlone(table?.name ?? ""));
        return;
    }
    if (table) await batch?.evaluate(table, ignored);
}

/** @param {File} file */
async function importModel(file) {
    const view = await showTeach();
    if (view.whyBusy()) {
        view.showError(view.whyBusy());
        return;
    }
    try {
        const models = await ownModels();
        const { name } = await models.importFile(file, (copy) => session.inspect(copy));
        view.showNote(strings.models.imported(name));
    } catch (error) {
        view.showError(`${file.name}: ${message(error)}`);
    }
}

/**
 * Opens a poster in its view.
 *
 * @param {File} file
 * @param {string} name
 * @param {Item} [item]  in the gallery
 */
async function openPoster(file, name, item) {
    opened.push({ file, name, ...(item && { item }) });
    views.open("poster", opened.length - 1);
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
    } catch (error) {
        if (request === latestRequest) poster.showRefused(`${name}: ${message(error)}`);
    }
}

async function openCamera() {
    const camera = await import("./camera.js");
    await camera.show((file) => open([file]));
}

/**
 * Opens what the page was started for: a poster that was shared, opened with the installed page, or handed over by another
 * page, or the part of the page that a shortcut names.
 */
async function openFromElsewhere() {
    intake.listenToLaunches((files) => attempt(() => open(files)));
    const wanted = new URLSearchParams(location.search).get("open");
    if (wanted === "teach") await showTeach();
    if (wanted === "camera") await openCamera();
    if (wanted !== "shared" && !window.opener && window.parent === window) return;
    const handover = await import("./handover.js");
    if (wanted === "shared") {
        history.replaceState(history.state, "", location.pathname); // a reload would find nothing
        const files = await handover.takeShared();
        if (files.length) await open(files);
        else poster.showError(strings.handover.nothing);
    }
    handover.listenToOpener((file, origin) => attempt(async () => {
        await openPoster(file, file.name);
        poster.showOrigin(strings.handover.from(file.name, origin));
    }));
}

/** Classifies the first sample, unless the visitor opens a poster first. */
async function explainFirst() {
    const request = latestRequest;
    try {
        first ??= await fetchSample(FIRST.file, FIRST.title);
        if (request !== latestRequest) return;
        if (!first) throw new Error(strings.poster.sampleFailed);
        const result = await session.explain(first.file);
        if (request === latestRequest) poster.showFirstResult(result);
    } catch (error) {
        if (request === latestRequest) poster.showRefused(message(error));
    }
}

/**
 * @param {string} address
 * @param {string} title
 */
async function openSample(address, title) {
    const request = ++latestRequest;
    const sample = await fetchSample(address, title);
    if (request !== latestRequest) return; // another poster was opened meanwhile
    if (sample) await openPoster(sample.file, sample.name);
    else poster.showRefused(strings.poster.sampleFailed);
}

/**
 * Returns undefined if the sample cannot be loaded.
 *
 * @param {string} address
 * @param {string} name
 */
async function fetchSample(address, name) {
    const response = await fetch(address).catch(() => undefined);
    return response?.ok ? { file: new File([await response.blob()], name), name } : undefined;
}

/** Returns the poster on show. */
function onPage() {
    return opened[onShow] ?? first;
}

/**
 * Fills the view that was opened, or that the browser's history returned to.
 *
 * @param {views.View} view
 * @param {views.View} before
 */
async function show(view, before) {
    switch (view.name) {
        case "poster":
            back.hidden = !batch?.isOpen;
            if (before.name === "gallery" && batch?.isOpen) back.focus();
            showOpened(view.poster ?? -1);
            break;
        case "gallery":
            if (!batch?.isOpen) {
                views.replace("poster"); // it was closed since
                return;
            }
            if (before.name !== "gallery") batch.enter(opened[before.poster ?? -1]?.item);
            await batch.refresh();
            break;
        case "teach":
            if (before.name !== "teach") (await teach.load()).enter();
            break;
    }
}

/** Explains one of the opened posters, unless it is on show. @param {number} index */
function showOpened(index) {
    const wanted = opened[index];
    showPlace(wanted?.item);
    if (!wanted || index === onShow) return;
    onShow = index;
    explaining = explain(wanted.file, wanted.name);
}

/** Shows the place of a poster in the gallery, from which the visitor can move to the others. @param {Item} [item] */
function showPlace(item) {
    const items = batch?.isOpen ? batch.shown() : [];
    // Another model makes other items of the same files.
    browse?.show(item ? items.findIndex(({ file }) => file === item.file) : -1, items.length, (index) => {
        const other = items[index];
        if (other) openPoster(other.file, other.name, other);
    });
}

/** Replaces what is on show by the predictions of the model that is in use now. */
function showAgain() {
    const index = onShow;
    onShow = -1;
    showOpened(index);
    if (views.current().name === "gallery") batch?.refresh();
}

/** Compares the poster on show with another one: of the gallery, of this visit, or a sample. */
async function compare() {
    const [shown, answer] = [onPage(), poster.answer()];
    if (!shown || !answer) return;
    const { choices, show } = await import("./compare.js");
    const others = choices(shown, batch?.isOpen ? batch.shown() : [], opened.filter(({ item }) => !item), fetchSample);
    show({ name: shown.name, blob: shown.file, result: answer.result }, others, (file) => session.explain(file));
}

async function showCard() {
    const card = await import("./card.js");
    card.show(manifest);
}

async function showTeach() {
    const [view] = await Promise.all([teach.load(), ownModels()]);
    views.open("teach");
    return view;
}
