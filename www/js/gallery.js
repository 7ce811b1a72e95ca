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
import { isLikely } from "./genres.js";
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
    count: element("shown-count", HTMLElement),
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
/** @type {Map<Item, HTMLLIElement>} */
const tiles = new Map();
/** @type {(item: Item) => void} */
let open = () => {};

for (const control of [page.genre, page.minimum, page.sort]) control.addEventListener("input", arrange);

/** @param {(item: Item) => void} onOpen  called with the poster whose tile was clicked */
export function listen(onOpen) {
    open = onOpen;
    page.cancel.addEventListener("click", () => {
        batch?.stop();
        showProgress();
    });
}

/** @param {Settings} changed */
export function applySettings(changed) {
    settings = changed;
    for (const [item, tile] of tiles) tile.replaceChildren(tileButton(item));
    arrange();
}

/** @param {Genre[]} known  genres of the model in use */
export function showReady(known) {
    genres = new Map(known.map((genre) => [genre.name, genre]));
    const options = known.map(({ name }) => make("option", { value: name }, name));
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
    tiles.clear();
    page.tiles.replaceChildren();
    page.refusedList.replaceChildren();
    page.refused.hidden = true;
    extend();
    arrange();
}

/** Shows that the batch has other posters than before. */
export function extend() {
    page.evaluation.hidden = true; // it is of the posters before
    showProgress();
}

/** Takes the focus. */
export function enter() {
    page.title.focus();
}

/** @param {Item[]} items  just classified or refused; empty once the batch has ended */
export function add(items) {
    for (const item of items) {
        if (item.state === "classified") {
            tiles.set(item, make("li", null, tileButton(item)));
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

/** Returns the posters that pass the filter, in the order in which they were added. */
export function shown() {
    return [...tiles].filter(([, tile]) => tile.isConnected).map(([item]) => item);
}

/** @param {Item} item */
function tileButton(item) {
    const list = item.predictions.slice(0, GENRES_PER_TILE).map((prediction) =>
        make(
            "li",
            { className: isMarked(prediction) ? "likely" : "" },
            make("span", null, prediction.genre),
            " ",
            make("span", null, percent(prediction.probability)),
        ),
    );
    const button = make(
        "button",
        { type: "button", className: "tile" },
        make("img", { src: item.thumbnail, alt: "", loading: "lazy", decoding: "async", width: 200, height: 300 }),
        make("span", { className: "file", title: item.name }, item.name.split("/").at(-1) ?? ""),
        make("ul", null, ...list),
    );
    button.addEventListener("click", () => open(item));
    return button;
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

/** Shows the tiles that pass the filter, in the chosen order. */
function arrange() {
    clearTimeout(timer);
    timer = 0;
    arrangedAt = performance.now();
    const genre = genres.get(page.genre.value);
    const minimum = page.minimum.valueAsNumber / 100;
    page.minimumText.textContent = minimum === 0 ? strings.gallery.defaultMinimum : percent(minimum);
    page.minimum.disabled = !genre;

    const items = arranged([...tiles.keys()], { genre, minimum, order: page.sort.value, marking: settings.thresholds });
    const elements = items.map((item) => tiles.get(item)).filter((tile) => tile !== undefined);
    // Only tiles that move are touched, so appending to a sorted gallery is cheap.
    elements.forEach((tile, index) => {
        const there = page.tiles.children[index];
        if (there !== tile) page.tiles.insertBefore(tile, there ?? null);
    });
    while (page.tiles.children.length > elements.length) page.tiles.lastElementChild?.remove();
    page.count.textContent = items.length === tiles.size ? "" : strings.gallery.shown(items.length, tiles.size);
}
