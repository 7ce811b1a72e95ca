/**
 * The gallery of many posters: fills as answers arrive, sorts, filters.
 *
 * @import { Genre, Prediction } from "./messages.js"
 * @import { Batch, Item } from "./batch.js"
 * @import { Settings } from "./settings.js"
 */

import { duration, element, make, percent } from "./dom.js";
import { isLikely } from "./settings.js";

const page = {
    section: element("many", HTMLElement),
    title: element("many-title", HTMLElement),
    progress: element("many-progress", HTMLProgressElement),
    status: element("many-status", HTMLElement),
    cancel: element("cancel", HTMLButtonElement),
    genre: element("filter-genre", HTMLSelectElement),
    probability: element("filter-probability", HTMLInputElement),
    output: element("filter-output", HTMLOutputElement),
    sort: element("sort", HTMLSelectElement),
    count: element("shown-count", HTMLElement),
    tiles: element("tiles", HTMLElement),
    refused: element("refused", HTMLDetailsElement),
    refusedTitle: element("refused-title", HTMLElement),
    refusedList: element("refused-list", HTMLElement),
};

/** Genres on a tile. */
const ON_TILE = 3;

/** Between two orderings of the whole gallery while answers arrive, in milliseconds. */
const PAUSE = 500;

/** @type {Batch | undefined} */
let batch;
/** @type {Settings} */
let settings;
/** @type {Map<string, Genre>} */
let genres = new Map();
/** @type {Map<Item, HTMLLIElement>} */
const tiles = new Map();
/** @type {(item: Item) => void} */
let open = () => {};

for (const control of [page.genre, page.probability, page.sort]) control.addEventListener("input", arrange);

/** @param {(item: Item) => void} take  a poster that was chosen to be looked at */
export function listen(take) {
    open = take;
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

/** @param {Genre[]} known */
export function showReady(known) {
    genres = new Map(known.map((genre) => [genre.name, genre]));
    const options = known.map(({ name }) => make("option", { value: name }, name));
    page.genre.replaceChildren(make("option", { value: "" }, "any"), ...options);
}

/** @param {Batch} started */
export function start(started) {
    batch = started;
    tiles.clear();
    page.tiles.replaceChildren();
    page.refusedList.replaceChildren();
    page.refused.hidden = true;
    page.title.textContent = `${started.items.length} posters`;
    page.genre.value = "";
    page.sort.value = "given";
    page.probability.value = "0";
    showProgress();
    arrange();
}

/** @param {boolean} wanted */
export function show(wanted) {
    page.section.hidden = !wanted;
    if (wanted) page.title.focus();
}

/** @param {Item[]} items  that were just answered or refused; none when all is over */
export function add(items) {
    for (const item of items) {
        if (item.state === "answered") {
            const tile = make("li", null, tileButton(item));
            tiles.set(item, tile);
        } else {
            page.refusedList.append(make("li", null, `${item.name}: ${item.reason}`));
            const refused = page.refusedList.children.length;
            page.refused.hidden = false;
            page.refusedTitle.textContent = refused === 1 ? "1 file was not classified" : `${refused} files were not classified`;
        }
    }
    showProgress();
    if (items.length) arrangeSoon();
    else arrange();
}

/** The posters that pass the filter, in the order in which they are shown. */
export function shown() {
    return [...tiles].filter(([, tile]) => tile.isConnected).map(([item]) => item);
}

/** @param {Item} item */
function tileButton(item) {
    const likely = (/** @type {Prediction} */ { genre, probability }) => {
        const known = genres.get(genre);
        return known !== undefined && isLikely(known, probability, settings.thresholds);
    };
    const list = item.predictions.slice(0, ON_TILE).map((prediction) =>
        make("li", { className: likely(prediction) ? "likely" : "" }, make("span", null, prediction.genre), " ", make("span", null, percent(prediction.probability))),
    );
    const picture = make("img", { src: item.thumbnail, alt: "", loading: "lazy", decoding: "async", width: 200, height: 300 });
    const button = make(
        "button",
        { type: "button", className: "tile" },
        picture,
        make("span", { className: "file", title: item.name }, item.name.split("/").at(-1) ?? ""),
        make("ul", null, ...list),
    );
    button.addEventListener("click", () => open(item));
    return button;
}

function showProgress() {
    if (!batch) return;
    const { done, waiting, took, rate, left } = batch.progress();
    const all = batch.items.length;
    page.progress.value = done / all;
    page.progress.hidden = waiting === 0;
    page.cancel.hidden = waiting === 0;
    const speed = rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
    if (waiting) {
        page.status.textContent = `${done} of ${all}` + (done ? ` · ${speed} a second · ${duration(left)} left` : "");
    } else {
        const stopped = batch.items.filter(({ state }) => state === "stopped").length;
        page.status.textContent = stopped ? `Stopped: ${done} of ${all} classified` : `${done} in ${duration(took)} · ${speed} a second`;
    }
}

/** How unsure the network is of a poster: the mean entropy of its genres' probabilities, in bits. @param {Prediction[]} predictions */
export function unsureness(predictions) {
    const entropy = (/** @type {number} */ p) => (p <= 0 || p >= 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p));
    return predictions.reduce((sum, { probability }) => sum + entropy(probability), 0) / predictions.length;
}

let arrangedAt = 0;
let waiting = 0;

/** Ordering hundreds of tiles at every answer would keep the page busy with nothing else. */
function arrangeSoon() {
    if (waiting) return;
    waiting = window.setTimeout(arrange, Math.max(0, arrangedAt + PAUSE - performance.now()));
}

/** Shows the tiles that pass the filter, in the wanted order. */
function arrange() {
    clearTimeout(waiting);
    waiting = 0;
    arrangedAt = performance.now();
    const genre = page.genre.value;
    const least = page.probability.valueAsNumber / 100;
    const known = genres.get(genre);
    page.output.textContent = least === 0 ? "its threshold" : percent(least);
    page.probability.disabled = !genre;

    const probability = (/** @type {Item} */ { predictions }) => {
        const found = genre ? predictions.find((prediction) => prediction.genre === genre) : predictions[0];
        return found?.probability ?? 0;
    };
    const passes = (/** @type {Item} */ item) => {
        if (!known) return true;
        return least === 0 ? isLikely(known, probability(item), settings.thresholds) : probability(item) >= least;
    };
    /** @type {Record<string, (a: Item, b: Item) => number>} */
    const orders = {
        given: (a, b) => a.index - b.index,
        name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
        genre: (a, b) => probability(b) - probability(a),
        unsure: (a, b) => unsureness(b.predictions) - unsureness(a.predictions),
    };
    const wanted = [...tiles.keys()].filter(passes).sort(orders[page.sort.value] ?? orders.given);
    const elements = wanted.map((item) => tiles.get(item)).filter((tile) => tile !== undefined);
    // Only what has moved is touched: an order that merely grew costs nothing.
    elements.forEach((tile, index) => {
        const there = page.tiles.children[index];
        if (there !== tile) page.tiles.insertBefore(tile, there ?? null);
    });
    while (page.tiles.children.length > elements.length) page.tiles.lastElementChild?.remove();
    page.count.textContent = wanted.length === tiles.size ? "" : `${wanted.length} of ${tiles.size} shown`;
}
