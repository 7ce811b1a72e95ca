/**
 * The view of many posters: a tile for each, which appears with its predictions, the progress of the batch, and the
 * controls that filter and sort.
 *
 * @import { Batch, Item } from "./batch.js"
 * @import { Genre, Prediction } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { element, make } from "./dom.js";
import { arranged } from "./gallery-order.js";
import { GalleryTiles } from "./gallery-tiles.js";
import { genreName, isLikely } from "./genres.js";
import { percent, strings } from "./strings/index.js";

const page = {
    title: element("many-title", HTMLElement),
    progress: element("many-progress", HTMLProgressElement),
    status: element("many-status", HTMLElement),
    cancel: element("cancel", HTMLButtonElement),
    genre: element("filter-genre", HTMLSelectElement),
    minimum: element("filter-probability", HTMLInputElement),
    minimumText: element("filter-output", HTMLOutputElement),
    sort: element("sort", HTMLSelectElement),
    found: element("found", HTMLElement),
    count: element("shown-count", HTMLElement),
    all: element("show-all", HTMLButtonElement),
    tiles: element("tiles", HTMLElement),
    refused: element("refused", HTMLDetailsElement),
    refusedTitle: element("refused-title", HTMLElement),
    refusedList: element("refused-list", HTMLElement),
    evaluation: element("evaluation", HTMLElement),
};

/** Number of genres on a tile. */
const GENRES_PER_TILE = 3;

/** Least time between two arrangements of the whole gallery while predictions arrive, in milliseconds. */
const ARRANGE_INTERVAL = 500;

/** @type {Batch | undefined} */
let batch;
/** @type {Settings} */
let settings;
/** By name. @type {Map<string, Genre>} */
let genres = new Map();
/** The classified posters. @type {Set<Item>} */
const classified = new Set();
/** The only posters to show, and what they have in common; undefined shows all. @type {{ items: Set<Item>, text: string } | undefined} */
let only;
/** Returns the focus to where the visitor asked for them. */
let back = () => {};
const tiles = new GalleryTiles(page.tiles, makeTile);
/** @type {(item: Item) => void} */
let open = () => {};

for (const control of [page.genre, page.minimum, page.sort]) control.addEventListener("input", arrange);

/** @param {(item: Item) => void} onOpen  called with the poster whose tile was clicked */
export function listen(onOpen) {
    open = onOpen;
    page.all.addEventListener("click", showAll);
    page.cancel.addEventListener("click", () => {
        batch?.stop();
        showProgress();
    });
}

/** @param {Settings} changed */
export function applySettings(changed) {
    settings = changed;
    tiles.refresh();
    arrange();
}

/** @param {Genre[]} known  genres of the model in use */
export function showReady(known) {
    genres = new Map(known.map((genre) => [genre.name, genre]));
    const options = known.map(({ name }) => make("option", { value: name }, genreName(name)));
    const chosen = page.genre.value;
    page.genre.replaceChildren(make("option", { value: "" }, strings.gallery.anyGenre), ...options);
    page.genre.value = known.some(({ name }) => name === chosen) ? chosen : "";
}

/** Shows a new batch. @param {Batch} started */
export function start(started) {
    page.genre.value = "";
    page.sort.value = "given";
    page.minimum.value = "0";
    restart(started);
}

/** Shows a batch of the same posters, filtered and sorted as before. @param {Batch} started */
export function restart(started) {
    batch = started;
    classified.clear();
    tiles.refresh();
    page.refusedList.replaceChildren();
    page.refused.hidden = true;
    extend();
    arrange();
}

/** Shows a batch again that was closed, with its results. @param {Batch} closed */
export function reopen(closed) {
    const hasEvaluation = batch === closed;
    restart(closed);
    page.evaluation.hidden = !hasEvaluation || !page.evaluation.hasChildNodes();
    add(closed.items.filter(({ state }) => state === "classified" || state === "refused"));
}

/** Shows that the batch has other posters than before. */
export function extend() {
    page.evaluation.hidden = true; // it is of the posters before
    only = undefined;
    showProgress();
}

/** Takes the focus. @param {Item} [item]  the poster whose tile gets it */
export function enter(item) {
    arrange();
    const shown = tiles.items.find(({ file }) => file === item?.file); // another model makes other items of the same files
    if (!shown || !tiles.focus(shown)) page.title.focus();
}

/** Makes all tiles again: what is known of the posters has changed. */
export function refresh() {
    tiles.refresh();
}

/** Shows only some posters. @param {Item[]} items @param {string} text  what they have in common */
export function showOnly(items, text) {
    only = { items: new Set(items), text };
    page.genre.value = "";
    arrange();
    const { activeElement } = document;
    back = () => activeElement instanceof HTMLElement && activeElement.isConnected ? activeElement.focus() : page.title.focus();
    page.found.scrollIntoView({ block: "start" });
    page.all.focus({ preventScroll: true });
}

function showAll() {
    only = undefined;
    arrange();
    back();
}

/** @param {Item[]} items  just classified or refused; empty once the batch has ended */
export function add(items) {
    for (const item of items) {
        if (item.state === "classified") {
            classified.add(item);
        } else {
            page.refusedList.append(make("li", null, `${item.name}: ${item.reason}`));
            page.refused.hidden = false;
            page.refusedTitle.textContent = strings.gallery.refused(page.refusedList.children.length);
        }
    }
    showProgress();
    if (items.length) arrangeSoon();
    else arrange();
}

/** Returns the posters that pass the filter, in the order on show. */
export function shown() {
    return tiles.items;
}

/** @param {Item} item */
function makeTile(item) {
    const list = item.predictions.slice(0, GENRES_PER_TILE).map((prediction) =>
        make(
            "li",
            { className: isMarked(prediction) ? "likely" : "" },
            make("span", null, genreName(prediction.genre)),
            " ",
            make("span", null, percent(prediction.probability)),
        ),
    );
    const address = item.thumbnail ? URL.createObjectURL(item.thumbnail) : "";
    const button = make(
        "button",
        { type: "button", className: "tile" },
        make("img", { src: address, alt: "", decoding: "async", width: 200, height: 300 }),
        make("span", { className: "file", title: item.name }, item.name.split("/").at(-1) ?? ""),
        make("ul", null, ...list),
        ...(item.actual ? [make("span", { className: "actual" }, strings.gallery.actual(item.actual.map(genreName)))] : []),
    );
    button.addEventListener("click", () => open(item));
    return { tile: make("li", null, button), release: () => URL.revokeObjectURL(address) };
}

/** @param {Prediction} prediction */
function isMarked({ genre, probability }) {
    const known = genres.get(genre);
    return known !== undefined && isLikely(known, probability, settings.thresholds);
}

function showProgress() {
    if (!batch) return;
    const { done, waiting, took, rate, left } = batch.progress();
    const all = batch.items.length;
    page.title.textContent = strings.gallery.title(all);
    page.progress.value = done / all;
    page.progress.hidden = waiting === 0;
    page.cancel.hidden = waiting === 0;
    if (waiting) {
        page.status.textContent = done ? strings.gallery.running(done, all, rate, left) : strings.gallery.waiting(done, all);
    } else {
        const isStopped = batch.items.some(({ state }) => state === "stopped");
        page.status.textContent = isStopped ? strings.gallery.stopped(done, all) : strings.gallery.finished(done, took, rate);
    }
}

let arrangedAt = 0;
let timer = 0;

/** Arranges at most every ARRANGE_INTERVAL: sorting hundreds of tiles for each prediction would block the page. */
function arrangeSoon() {
    if (timer) return;
    timer = window.setTimeout(arrange, Math.max(0, arrangedAt + ARRANGE_INTERVAL - performance.now()));
}

/** Shows the posters that pass the filter, in the chosen order. */
function arrange() {
    clearTimeout(timer);
    timer = 0;
    arrangedAt = performance.now();
    const genre = genres.get(page.genre.value);
    const minimum = page.minimum.valueAsNumber / 100;
    page.minimumText.textContent = minimum === 0 ? strings.gallery.defaultMinimum : percent(minimum);
    page.minimum.disabled = !genre;

    const candidates = only ? [...classified].filter((item) => only?.items.has(item)) : [...classified];
    const items = arranged(candidates, { genre, minimum, order: page.sort.value, marking: settings.thresholds });
    tiles.show(items);
    const counted = items.length === classified.size ? "" : strings.gallery.shown(items.length, classified.size);
    page.count.textContent = only ? strings.gallery.only(only.text, counted) : counted;
    page.all.hidden = !only;
}
