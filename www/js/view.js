/**
 * The DOM, all of it in this file: what the page shows, and what the visitor does. Text is set as text, never
 * as markup, so a file's or a genre's name can do no harm.
 *
 * @import { Answer, DeviceName, Manifest, Metric, Prediction } from "./messages.js"
 */

const TOP = 3;

/** @param {string} id */
function element(id) {
    const found = document.getElementById(id);
    if (!found) throw new Error(`the page has no #${id}`);
    return found;
}

const page = {
    drop: element("drop"),
    file: /** @type {HTMLInputElement} */ (element("file")),
    sample: element("sample"),
    preview: /** @type {HTMLImageElement} */ (element("preview")),
    invitation: element("invitation"),
    genres: element("genres"),
    error: element("error"),
    loading: element("loading"),
    progress: /** @type {HTMLProgressElement} */ (element("progress")),
    progressLabel: element("progress-label"),
    empty: element("empty"),
    top: element("top"),
    device: element("device"),
    took: element("took"),
    note: element("note"),
    all: element("all"),
    allGenres: element("all-genres"),
    cardText: element("card-text"),
    cardWarning: element("card-warning"),
    figures: element("figures"),
};

/** @type {Record<DeviceName, string>} */
const DEVICE = { cpu: "CPU", webgpu: "WebGPU" };

/**
 * Hands over every picture that is chosen, dropped or pasted.
 *
 * @param {(file: File) => void} take
 * @param {() => void} takeSample
 */
export function listen(take, takeSample) {
    page.file.addEventListener("change", () => {
        const file = page.file.files?.[0];
        if (file) take(file);
        page.file.value = ""; // so that the same file can be chosen again
    });
    page.sample.addEventListener("click", takeSample);

    document.addEventListener("dragover", (event) => {
        event.preventDefault();
        page.drop.classList.add("dragging");
    });
    document.addEventListener("dragleave", (event) => {
        if (!event.relatedTarget) page.drop.classList.remove("dragging");
    });
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        page.drop.classList.remove("dragging");
        const file = event.dataTransfer?.files[0];
        if (file) take(file);
        else showError("That was no file. Save the picture first, then drop its file.");
    });
    document.addEventListener("paste", (event) => {
        const file = event.clipboardData?.files[0];
        if (file) take(file);
        else showError("The clipboard holds no picture. Copy a picture, then paste it here.");
    });
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
    page.preview.onerror = hidePreview;
    page.preview.src = previewUrl;
    page.preview.alt = `Poster: ${name}`;
    page.preview.hidden = false;
    page.invitation.hidden = true;
    page.error.textContent = "";
    page.genres.classList.add("busy");
    page.genres.setAttribute("aria-busy", "true");
}

function hidePreview() {
    page.preview.hidden = true;
    page.invitation.hidden = false;
}

/** @param {Answer} answer */
export function showAnswer({ device, milliseconds, genres }) {
    stopWorking();
    page.empty.hidden = true;
    page.top.replaceChildren(...genres.slice(0, TOP).map(genreItem));
    page.allGenres.replaceChildren(...genres.map(genreItem));
    page.all.hidden = false;
    page.device.textContent = DEVICE[device];
    page.took.textContent = `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** @param {Prediction} prediction */
function genreItem({ genre, probability, likely }) {
    const item = document.createElement("li");
    item.className = likely ? "genre likely" : "genre";
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = genre;
    const percent = document.createElement("span");
    percent.className = "percent";
    percent.textContent = `${(probability * 100).toFixed(probability < 0.0995 ? 1 : 0)} %`;
    const bar = document.createElement("div");
    bar.className = "bar";
    const filled = document.createElement("span");
    filled.style.width = `${probability * 100}%`;
    bar.append(filled);
    // A space between them, so that reading the text aloud does not run them together.
    item.append(name, " ", percent, bar);
    return item;
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
    hidePreview();
    page.top.replaceChildren();
    page.all.hidden = true;
    page.device.textContent = "";
    page.empty.hidden = false;
}

function stopWorking() {
    page.genres.classList.remove("busy");
    page.genres.removeAttribute("aria-busy");
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

/** @param {Manifest} manifest */
export function showReady({ architecture, input, genres, metrics, training }) {
    page.loading.hidden = true;
    page.cardText.textContent =
        `${architecture.name}, ${input.width} × ${input.height} pixels, ${genres.length} genres. ` +
        `Trained on ${training.train_posters} posters and judged on ${training.test_posters || training.valid_posters} others (${training.data}). ` +
        `“Guessing” is the better of always answering each genre’s frequency and always naming the two most ` +
        `frequent genres. ${training.licence}.`;
    const worse = metrics.filter(isWorse).length;
    page.cardWarning.textContent = worse
        ? `It is worse than guessing on ${worse} of ${metrics.length} figures: take its answers as a demonstration.`
        : "";
    page.figures.replaceChildren(
        ...metrics.map((metric) => {
            const { name, value, baseline, higher_is_better } = metric;
            const row = document.createElement("tr");
            row.className = isWorse(metric) ? "worse" : "";
            const head = document.createElement("th");
            head.scope = "row";
            head.textContent = higher_is_better ? name : `${name} (lower is better)`;
            const cells = [value, baseline].map((figure) => {
                const cell = document.createElement("td");
                cell.textContent = figure === null ? "–" : figure.toFixed(3);
                return cell;
            });
            row.append(head, ...cells);
            return row;
        }),
    );
}

/** @param {Metric} metric */
function isWorse({ value, baseline, higher_is_better }) {
    if (baseline === null) return false;
    return higher_is_better ? value < baseline : value > baseline;
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
