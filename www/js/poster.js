/**
 * The view of one poster: the picture, its genres, and heatmaps that show the evidence for them.
 *
 * @import { DeviceName, Explained, Genre, Heatmap, Prediction } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { paint, paintLegend, strongest } from "../marquee/heatmap.js";
import { element, make } from "./dom.js";
import { genreName, isLikely, isRare, listed, trainingPosters } from "./genres.js";
import { FIRST, SAMPLES } from "./samples.js";
import { duration, language, percent, strings } from "./strings/index.js";

const page = {
    frame: element("frame", HTMLElement),
    genres: element("genres", HTMLElement),
    figures: [element("first", HTMLElement), element("second", HTMLElement)],
    previews: [element("preview", HTMLImageElement), element("second-preview", HTMLImageElement)],
    maps: [element("first-map", HTMLCanvasElement), element("second-map", HTMLCanvasElement)],
    captions: [element("first-caption", HTMLElement), element("second-caption", HTMLElement)],
    invitation: element("invitation", HTMLElement),
    stamp: element("stamp", HTMLElement),
    intro: element("intro", HTMLElement),
    strengthRow: element("strength-row", HTMLElement),
    strength: element("strength", HTMLInputElement),
    legend: element("legend", HTMLCanvasElement),
    samples: element("samples", HTMLElement),
    error: element("error", HTMLElement),
    loading: element("loading", HTMLElement),
    progress: element("progress", HTMLProgressElement),
    progressLabel: element("progress-label", HTMLElement),
    empty: element("empty", HTMLElement),
    answer: element("answer", HTMLElement),
    top: element("top", HTMLElement),
    device: element("device", HTMLElement),
    took: element("took", HTMLElement),
    actions: element("answer-actions", HTMLElement),
    origin: element("origin", HTMLElement),
    note: element("note", HTMLElement),
    all: element("all", HTMLDetailsElement),
    allGenres: element("all-genres", HTMLElement),
    order: element("order", HTMLSelectElement),
};

/** How strong the heatmap of the first sample is, in percent: the poster itself must be seen too. */
const FIRST_STRENGTH = "60";

/** @type {Settings} */
let settings;
/** By name. @type {Map<string, Genre>} */
let genres = new Map();
/** The result on show. @type {Explained | undefined} */
let shown;
/** Genres whose heatmaps are on show: none, one or two. @type {string[]} */
let selected = [];

paintLegend(page.legend);
page.strength.addEventListener("input", showStrength);
page.order.addEventListener("change", showGenres);

/** @param {(address: string, title: string) => void} onSample  called when a sample poster is clicked */
export function listen(onSample) {
    page.samples.replaceChildren(
        ...SAMPLES.map(({ file, title }) => {
            const picture = make("img", { src: file, alt: strings.poster.sampleAlt(title), loading: "lazy", width: 400, height: 600 });
            const button = make("button", { type: "button", title }, picture);
            button.addEventListener("click", () => {
                showPreview(file, title);
                onSample(file, title);
                page.frame.scrollIntoView({ block: "nearest" });
            });
            return button;
        }),
    );
}

/** @param {Settings} changed */
export function applySettings(changed) {
    settings = changed;
    if (shown) showGenres();
}

/** @param {Genre[]} known  genres of the model in use */
export function showReady(known) {
    page.loading.hidden = true;
    genres = new Map(known.map((genre) => [genre.name, genre]));
}

/**
 * @param {number} loaded  bytes
 * @param {number} total  bytes
 */
export function showProgress(loaded, total) {
    page.progress.value = loaded / total;
    page.progressLabel.textContent = strings.poster.loadingProgress(loaded, total);
}

let previewUrl = "";

/**
 * Shows a poster while it is classified.
 *
 * @param {Blob} picture
 * @param {string} name
 */
export function showWorking(picture, name) {
    URL.revokeObjectURL(previewUrl);
    previewUrl = URL.createObjectURL(picture);
    showPreview(previewUrl, name);
}

/** Shows the first sample while the model is loaded. */
export function showFirst() {
    showPreview(FIRST.file, FIRST.title);
    page.stamp.hidden = page.intro.hidden = false;
}

/**
 * Shows the first sample's result, with the heatmap of its top genre. Screen readers do not announce it, because the visitor did not
 * ask for it.
 *
 * @param {Explained} result
 */
export function showFirstResult(result) {
    showResult(result);
    page.answer.textContent = "";
    page.all.open = false; // there is more to see below
    page.strength.value = FIRST_STRENGTH;
    select(result.predictions.slice(0, 1).map(({ genre }) => genre));
}

/**
 * @param {string} address  of the picture
 * @param {string} name
 */
function showPreview(address, name) {
    if (!page.intro.hidden) {
        page.all.open = true;
        page.strength.value = page.strength.max;
    }
    page.stamp.hidden = page.intro.hidden = true;
    page.origin.textContent = "";
    for (const preview of page.previews) {
        preview.onerror = hidePoster;
        preview.onload = () => preview.parentElement?.style.setProperty("--ratio", String(preview.naturalWidth / preview.naturalHeight));
        preview.src = address;
    }
    if (page.previews[0]) page.previews[0].alt = strings.poster.alt(name);
    if (page.figures[0]) page.figures[0].hidden = false;
    page.invitation.hidden = true;
    page.error.textContent = "";
    page.genres.classList.add("busy");
    page.genres.setAttribute("aria-busy", "true");
    select([]);
}

function hidePoster() {
    page.stamp.hidden = page.intro.hidden = true;
    for (const figure of page.figures) figure.hidden = true;
    page.invitation.hidden = false;
}

/** @param {Explained} result */
export function showResult(result) {
    stopWorking();
    shown = result;
    page.empty.hidden = true;
    page.all.hidden = false;
    page.device.textContent = strings.device[result.device];
    page.took.textContent = duration(result.milliseconds);
    page.actions.hidden = false;
    showGenres();
    page.answer.textContent = listed(result.predictions.slice(0, settings.top));
}

/** Returns what is on show, to take it along; undefined if there is no result. */
export function answer() {
    const [poster] = page.previews;
    return shown && poster && { poster, result: shown, mapped: selected[0] };
}

/** Returns the genres that are marked as likely, or else the most probable one. */
export function likelyGenres() {
    const predictions = shown?.predictions ?? [];
    const likely = predictions.filter(({ genre, probability }) => {
        const known = genres.get(genre);
        return known && isLikely(known, probability, settings.thresholds);
    });
    return (likely.length ? likely : predictions.slice(0, 1)).map(({ genre }) => genre);
}

/** Reports where the poster comes from. @param {string} text */
export function showOrigin(text) {
    page.origin.textContent = text;
}

function showGenres() {
    if (!shown) return;
    const { predictions } = shown; // the most probable first
    const ordered = page.order.value === "fixed" ? predictions.toSorted((a, b) => genreName(a.genre).localeCompare(genreName(b.genre), language)) : predictions;
    page.top.replaceChildren(...predictions.slice(0, settings.top).map(genreItem));
    page.allGenres.replaceChildren(...ordered.map(genreItem));
    showSelected();
}

/** @param {Prediction} prediction */
function genreItem({ genre, probability }) {
    const known = genres.get(genre);
    const likely = known !== undefined && isLikely(known, probability, settings.thresholds);
    const filled = make("span");
    filled.style.width = `${probability * 100}%`;
    const parts = [
        make("span", { className: "name" }, genreName(genre)),
        // Without the space, screen readers run the name and the number together.
        " ",
        make("span", { className: "percent" }, percent(probability)),
        make("span", { className: "bar" }, filled),
        ...(known && isRare(known) ? [make("span", { className: "few" }, strings.poster.fewExamples(trainingPosters(known)))] : []),
    ];
    const map = shown?.heatmaps?.genres.some((map) => map.genre === genre);
    const row = map ? make("button", { type: "button", className: "genre" }, ...parts) : make("div", { className: "genre" }, ...parts);
    if (map) {
        row.dataset.genre = genre;
        row.title = strings.poster.showWhere(genreName(genre));
        row.addEventListener("click", () => toggle(genre));
    }
    return make("li", { className: likely ? "likely" : "" }, row);
}

/**
 * Selects or deselects a genre. Two can be compared; a third replaces the older one.
 *
 * @param {string} genre
 */
function toggle(genre) {
    select(selected.includes(genre) ? selected.filter((other) => other !== genre) : [...selected.slice(-1), genre]);
}

/** @param {string[]} wanted */
function select(wanted) {
    selected = wanted;
    showSelected();
}

function showSelected() {
    const heatmaps = shown?.heatmaps;
    const maps = selected
        .map((genre) => heatmaps?.genres.find((map) => map.genre === genre))
        .filter((map) => map !== undefined);
    const full = strongest(maps);
    for (const index of [0, 1]) {
        const [canvas, caption, figure] = [page.maps[index], page.captions[index], page.figures[index]];
        const map = maps[index];
        if (!canvas || !caption || !figure) continue;
        figure.classList.toggle("mapped", map !== undefined);
        canvas.hidden = caption.hidden = !map;
        if (index === 1) figure.hidden = !map;
        if (map && heatmaps) {
            paint(canvas, map, heatmaps, full);
            caption.textContent = genreName(map.genre);
        }
    }
    const second = page.previews[1];
    if (second) second.alt = maps[1] ? strings.poster.altSecond(genreName(maps[1].genre)) : "";
    page.strengthRow.hidden = maps.length === 0;
    for (const row of page.genres.querySelectorAll("button.genre")) {
        row.setAttribute("aria-pressed", String(row instanceof HTMLElement && selected.includes(row.dataset.genre ?? "")));
    }
    showStrength();
}

function showStrength() {
    for (const figure of page.figures) figure.style.setProperty("--strength", String(page.strength.valueAsNumber / 100));
}

/** @param {string} message */
export function showError(message) {
    stopWorking();
    page.error.textContent = message;
}

/**
 * Reports a poster that could not be classified, and clears the previous poster's result.
 *
 * @param {string} message
 */
export function showRefused(message) {
    showError(message);
    hidePoster();
    shown = undefined;
    select([]);
    page.top.replaceChildren();
    page.all.hidden = true;
    page.device.textContent = "";
    page.answer.textContent = "";
    page.actions.hidden = true;
    page.empty.hidden = false;
}

function stopWorking() {
    page.genres.classList.remove("busy");
    page.genres.removeAttribute("aria-busy");
}

/** @param {string} reason */
export function showFailed(reason) {
    page.loading.hidden = true;
    showRefused(strings.poster.modelFailed(reason));
}

/**
 * @param {DeviceName} device  the device in use from now on
 * @param {string} reason  why it is the CPU
 */
export function showDevice(device, reason) {
    page.note.textContent = device === "cpu" ? reason : "";
}
