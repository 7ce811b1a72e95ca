/**
 * One poster: the picture, its genres, and where they were seen.
 *
 * @import { DeviceName, Explained, Genre, Heatmap, Prediction } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { isRare } from "./card.js";
import { duration, element, make, percent } from "./dom.js";
import { paint, strongest } from "./heatmap.js";
import { SAMPLES } from "./samples.js";
import { isLikely } from "./settings.js";

const page = {
    section: element("drop", HTMLElement),
    genres: element("genres", HTMLElement),
    figures: [element("first", HTMLElement), element("second", HTMLElement)],
    previews: [element("preview", HTMLImageElement), element("second-preview", HTMLImageElement)],
    maps: [element("first-map", HTMLCanvasElement), element("second-map", HTMLCanvasElement)],
    captions: [element("first-caption", HTMLElement), element("second-caption", HTMLElement)],
    invitation: element("invitation", HTMLElement),
    strengthRow: element("strength-row", HTMLElement),
    strength: element("strength", HTMLInputElement),
    samples: element("samples", HTMLElement),
    error: element("error", HTMLElement),
    loading: element("loading", HTMLElement),
    progress: element("progress", HTMLProgressElement),
    progressLabel: element("progress-label", HTMLElement),
    empty: element("empty", HTMLElement),
    top: element("top", HTMLElement),
    device: element("device", HTMLElement),
    took: element("took", HTMLElement),
    note: element("note", HTMLElement),
    all: element("all", HTMLElement),
    allGenres: element("all-genres", HTMLElement),
    order: element("order", HTMLSelectElement),
};

/** @type {Record<DeviceName, string>} */
export const DEVICE = { cpu: "CPU", webgpu: "WebGPU" };

/** @type {Settings} */
let settings;
/** By name. @type {Map<string, Genre>} */
let genres = new Map();
/** What is shown. @type {Explained | undefined} */
let shown;
/** Genres whose maps are shown: none, one, or two. @type {string[]} */
let chosen = [];

page.strength.addEventListener("input", showStrength);
page.order.addEventListener("change", showGenres);

/**
 * @param {(address: string, title: string) => void} take  a sample that was chosen
 */
export function listen(take) {
    page.samples.replaceChildren(
        ...SAMPLES.map(({ file, title }) => {
            const picture = make("img", { src: file, alt: `Sample: ${title}`, loading: "lazy", width: 320, height: 480 });
            const button = make("button", { type: "button", title }, picture);
            button.addEventListener("click", () => take(file, title));
            return button;
        }),
    );
}

/** @param {Settings} changed */
export function applySettings(changed) {
    settings = changed;
    if (shown) showGenres();
}

/** @param {Genre[]} known  of the network that answers */
export function showReady(known) {
    page.loading.hidden = true;
    genres = new Map(known.map((genre) => [genre.name, genre]));
}

/**
 * @param {number} loaded  bytes
 * @param {number} total  bytes
 */
export function showProgress(loaded, total) {
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    page.progress.value = loaded / total;
    page.progressLabel.textContent = `Loading the network: ${megabytes(loaded)} of ${megabytes(total)} MB`;
}

let previewUrl = "";

/**
 * A poster is being classified.
 *
 * @param {Blob} poster
 * @param {string} name
 */
export function showWorking(poster, name) {
    URL.revokeObjectURL(previewUrl);
    previewUrl = URL.createObjectURL(poster);
    for (const preview of page.previews) {
        preview.onerror = hidePoster;
        preview.onload = () => preview.parentElement?.style.setProperty("--ratio", String(preview.naturalWidth / preview.naturalHeight));
        preview.src = previewUrl;
    }
    if (page.previews[0]) page.previews[0].alt = `Poster: ${name}`;
    if (page.figures[0]) page.figures[0].hidden = false;
    page.invitation.hidden = true;
    page.error.textContent = "";
    page.genres.classList.add("busy");
    page.genres.setAttribute("aria-busy", "true");
    choose([]);
}

function hidePoster() {
    for (const figure of page.figures) figure.hidden = true;
    page.invitation.hidden = false;
}

/** @param {Explained} answer */
export function showAnswer(answer) {
    stopWorking();
    shown = answer;
    page.empty.hidden = true;
    page.all.hidden = false;
    page.device.textContent = DEVICE[answer.device];
    page.took.textContent = duration(answer.milliseconds);
    showGenres();
}

function showGenres() {
    if (!shown) return;
    const { predictions } = shown;
    const ordered = page.order.value === "fixed" ? predictions.toSorted((a, b) => a.genre.localeCompare(b.genre)) : predictions;
    page.top.replaceChildren(...predictions.slice(0, settings.top).map(genreItem));
    page.allGenres.replaceChildren(...ordered.map(genreItem));
    showChosen();
}

/** @param {Prediction} prediction */
function genreItem({ genre, probability }) {
    const known = genres.get(genre);
    const likely = known !== undefined && isLikely(known, probability, settings.thresholds);
    const filled = make("span");
    filled.style.width = `${probability * 100}%`;
    const parts = [
        make("span", { className: "name" }, genre),
        // A space between them, so that reading the text aloud does not run them together.
        " ",
        make("span", { className: "percent" }, percent(probability)),
        make("span", { className: "bar" }, filled),
        ...(known && isRare(known) ? [make("span", { className: "few" }, `learnt from only ${known.posters} posters`)] : []),
    ];
    const map = shown?.heatmaps?.genres.some((map) => map.genre === genre);
    const row = map ? make("button", { type: "button", className: "genre" }, ...parts) : make("div", { className: "genre" }, ...parts);
    if (map) {
        row.dataset.genre = genre;
        row.title = `Where ${genre} was seen`;
        row.addEventListener("click", () => toggle(genre));
    }
    return make("li", { className: likely ? "likely" : "" }, row);
}

/**
 * A second genre stands beside the first; a third takes the older one's place.
 *
 * @param {string} genre
 */
function toggle(genre) {
    choose(chosen.includes(genre) ? chosen.filter((other) => other !== genre) : [...chosen.slice(-1), genre]);
}

/** @param {string[]} wanted */
function choose(wanted) {
    chosen = wanted;
    showChosen();
}

function showChosen() {
    const heatmaps = shown?.heatmaps;
    const found = chosen.map((genre) => heatmaps?.genres.find((map) => map.genre === genre));
    const maps = found.filter((map) => map !== undefined);
    const full = strongest(maps);
    for (const index of [0, 1]) {
        const [canvas, caption, figure] = [page.maps[index], page.captions[index], page.figures[index]];
        const map = maps[index];
        if (!canvas || !caption || !figure) continue;
        canvas.hidden = caption.hidden = !map;
        if (index === 1) figure.hidden = !map;
        if (map && heatmaps) {
            paint(canvas, map, heatmaps, full);
            caption.textContent = map.genre;
        }
    }
    const second = page.previews[1];
    if (second) second.alt = maps[1] ? `The same poster, for ${maps[1].genre}` : "";
    page.strengthRow.hidden = maps.length === 0;
    for (const row of page.genres.querySelectorAll("button.genre")) {
        row.setAttribute("aria-pressed", String(row instanceof HTMLElement && chosen.includes(row.dataset.genre ?? "")));
    }
    showStrength();
}

function showStrength() {
    for (const canvas of page.maps) canvas.style.opacity = String(page.strength.valueAsNumber / 100);
}

/** @param {string} message */
export function showError(message) {
    stopWorking();
    page.error.textContent = message;
}

/**
 * A poster could not be classified: what stood there belongs to another one.
 *
 * @param {string} message
 */
export function showRefused(message) {
    showError(message);
    hidePoster();
    shown = undefined;
    choose([]);
    page.top.replaceChildren();
    page.all.hidden = true;
    page.device.textContent = "";
    page.empty.hidden = false;
}

function stopWorking() {
    page.genres.classList.remove("busy");
    page.genres.removeAttribute("aria-busy");
}

/** @param {string} reason */
export function showFailed(reason) {
    page.loading.hidden = true;
    showRefused(`The network cannot be loaded: ${reason}. Reload the page to try again.`);
}

/**
 * @param {DeviceName} device  that answers from now on
 * @param {string} reason
 */
export function showDevice(device, reason) {
    page.note.textContent = device === "cpu" ? reason : "";
}

/** @param {boolean} wanted */
export function show(wanted) {
    page.section.hidden = page.genres.hidden = !wanted;
}
