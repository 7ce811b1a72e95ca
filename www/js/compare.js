/**
 * The dialog that compares two posters: side by side, with a pair of bars for each genre, and the evidence for a genre in
 * both on one scale.
 *
 * @import { Item } from "./batch.js"
 * @import { Explained } from "./messages.js"
 */

import { paint, strongest } from "../marquee/heatmap.js";
import { element, make } from "./dom.js";
import { message } from "./errors.js";
import { genreName } from "./genres.js";
import { SAMPLES } from "./samples.js";
import { percent, strings } from "./strings/index.js";

/**
 * @typedef {object} Poster
 * @property {string} name
 * @property {() => Promise<Blob | undefined>} load
 * @property {Blob | string} picture  its thumbnail, or the address of one
 *
 * @typedef {{ name: string, blob: Blob, result: Explained }} Side
 */

const page = {
    dialog: element("compare", HTMLDialogElement),
    body: element("compare-body", HTMLElement),
};

/** Number of genres, the most probable ones of either poster. */
const GENRES = 8;

/** Most posters of one kind to choose from. */
const MOST_CHOICES = 24;

/** Addresses of pictures, until the dialog is closed. @type {string[]} */
const addresses = [];

/** @param {Blob | string} picture */
function addressOf(picture) {
    if (typeof picture === "string") return picture;
    const address = URL.createObjectURL(picture);
    addresses.push(address);
    return address;
}

/**
 * Returns the posters to compare with: those of the gallery from the next one on, those seen before, and the samples.
 *
 * @param {{ name: string, file: File }} shown
 * @param {Item[]} items  of the gallery
 * @param {{ name: string, file: File }[]} seen  the latest one last
 * @param {(address: string, title: string) => Promise<{ file: File } | undefined>} fetchSample
 * @returns {Poster[]}
 */
export function choices(shown, items, seen, fetchSample) {
    const place = items.findIndex(({ file }) => file === shown.file);
    const near = [...items.slice(place + 1), ...items.slice(0, Math.max(0, place))].slice(0, MOST_CHOICES);
    const before = seen.filter(({ file }) => file !== shown.file).toReversed().slice(0, MOST_CHOICES);
    const samples = SAMPLES.filter(({ title }) => title !== shown.name && !before.some(({ name }) => name === title));
    return [
        ...near.map(({ name, file, thumbnail }) => ({ name, picture: thumbnail ?? file, load: async () => file })),
        ...before.map(({ name, file }) => ({ name, picture: file, load: async () => file })),
        ...samples.map(({ file, title }) => ({ name: title, picture: file, load: async () => (await fetchSample(file, title))?.file })),
    ];
}

/**
 * Opens the dialog, and compares with the first choice.
 *
 * @param {Side} first
 * @param {Poster[]} choices
 * @param {(poster: File) => Promise<Explained>} explain
 */
export function show(first, choices, explain) {
    const error = make("p", { className: "error", role: "alert" });
    const pair = make("div", { className: "pair" });
    const list = make("ul", { className: "choices", ariaLabel: strings.compare.choices });
    let latest = 0;

    const compareWith = async (/** @type {Poster} */ poster, /** @type {HTMLElement | undefined} */ button) => {
        const request = ++latest;
        error.textContent = "";
        for (const other of list.querySelectorAll("button")) other.ariaPressed = String(other === button);
        pair.ariaBusy = "true";
        try {
            const blob = await poster.load();
            if (!blob) throw new Error(strings.poster.sampleFailed);
            const result = await explain(new File([blob], poster.name));
            if (request === latest) pair.replaceChildren(...sides(first, { name: poster.name, blob, result }));
        } catch (problem) {
            if (request === latest) error.textContent = `${poster.name}: ${message(problem)}`;
        }
        if (request === latest) pair.ariaBusy = null;
    };
    list.append(...choices.map((poster) => {
        const button = make("button", { type: "button", ariaLabel: strings.compare.choose(poster.name), title: poster.name },
            make("img", { src: addressOf(poster.picture), alt: "", width: 200, height: 300, loading: "lazy" }));
        button.addEventListener("click", () => compareWith(poster, button));
        return make("li", null, button);
    }));
    const file = make("input", { type: "file", accept: "image/jpeg,image/png,image/webp,image/gif" });
    file.addEventListener("change", () => {
        const [chosen] = file.files ?? [];
        if (chosen) compareWith({ name: chosen.name, picture: chosen, load: async () => chosen }, undefined);
        file.value = "";
    });
    page.body.replaceChildren(
        list,
        make("label", { className: "button" }, make("span", null, strings.compare.chooseFile), file),
        error,
        pair,
    );
    page.dialog.onclose = () => {
        latest++;
        page.body.replaceChildren();
        for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
    };
    page.dialog.showModal();
    const [choice] = choices;
    if (choice) compareWith(choice, list.querySelector("button") ?? undefined);
}

/**
 * Returns the two posters and the genres of both.
 *
 * @param {Side} first
 * @param {Side} second
 */
function sides(first, second) {
    const both = [first, second];
    const figures = both.map(({ name, blob }) => {
        const canvas = make("canvas", { hidden: true });
        const picture = make("img", { src: addressOf(blob), alt: strings.poster.alt(name) });
        const layers = make("div", { className: "layers" }, picture, canvas);
        picture.onload = () => layers.style.setProperty("--ratio", String(picture.naturalWidth / picture.naturalHeight));
        return { canvas, figure: make("figure", null, layers, make("figcaption", null, name)) };
    });
    const probabilities = both.map(({ result }) => new Map(result.predictions.map(({ genre, probability }) => [genre, probability])));
    const of = (/** @type {number} */ side, /** @type {string} */ genre) => probabilities[side]?.get(genre) ?? 0;
    const larger = (/** @type {string} */ genre) => Math.max(of(0, genre), of(1, genre));
    const genres = [...new Set(both.flatMap(({ result }) => result.predictions.map(({ genre }) => genre)))]
        .toSorted((a, b) => larger(b) - larger(a)).slice(0, GENRES);

    const toggle = (/** @type {HTMLButtonElement} */ button, /** @type {string} */ genre) => {
        const isShown = button.ariaPressed !== "true";
        for (const other of list.querySelectorAll("button")) other.ariaPressed = String(isShown && other === button);
        const maps = both.map(({ result }) => result.heatmaps?.genres.find((map) => map.genre === genre));
        const full = strongest(maps.filter((map) => map !== undefined));
        for (const [index, { canvas, figure }] of figures.entries()) {
            const [map, side] = [maps[index], both[index]];
            canvas.hidden = !isShown || !map;
            figure.classList.toggle("mapped", !canvas.hidden);
            if (!canvas.hidden && map && side?.result.heatmaps) paint(canvas, map, side.result.heatmaps, full);
            canvas.setAttribute("role", "img");
            canvas.ariaLabel = side ? strings.compare.evidence(side.name, genreName(genre)) : "";
        }
    };
    const list = make("ul", { className: "paired", ariaLabel: strings.compare.genres }, ...genres.map((genre) => {
        const bars = [0, 1].map((side) => {
            const filled = make("span");
            filled.style.width = `${100 * of(side, genre)}%`;
            return make("span", { className: "bar" }, filled);
        });
        const button = make("button", { type: "button", ariaPressed: "false", title: strings.poster.showWhere(genreName(genre)) },
            make("span", { className: "percent" }, percent(of(0, genre))), " ", bars[0] ?? "",
            make("span", { className: "name" }, genreName(genre)), " ", bars[1] ?? "",
            make("span", { className: "percent" }, percent(of(1, genre))));
        button.addEventListener("click", () => toggle(button, genre));
        return make("li", null, button);
    }));
    return [make("div", { className: "figures" }, ...figures.map(({ figure }) => figure)), list];
}
