/**
 * What `<marquee-poster>` shows: the picture, its genres, and a heatmap over the picture.
 *
 * @import { Classification } from "./api.js"
 * @import { Strings } from "./element-api.js"
 */

import { styleSheet } from "./element-style.js";
import { paint, strongest } from "./heatmap.js";

/** Files that the file dialog offers. */
const ACCEPT = "image/*";

export class View {
    #strings;
    /** @type {Classification | undefined} */
    #result;
    /** The genre whose heatmap is on show; empty is none. */
    #selected = "";
    #address = "";

    /**
     * @param {ShadowRoot} root
     * @param {Strings} strings
     * @param {(file: File) => void} onFile  called with a file that the user chose
     */
    constructor(root, strings, onFile) {
        this.#strings = strings;
        root.adoptedStyleSheets = [styleSheet()];
        this.image = make("img", { part: "image", hidden: true });
        this.map = make("canvas", { part: "heatmap", hidden: true, role: "img" });
        this.file = make("input", { type: "file", accept: ACCEPT, hidden: true });
        this.choose = make("button", { type: "button", part: "choose", class: "choose" });
        this.list = make("ol", { part: "genres", "aria-label": strings.genres });
        this.status = make("p", { part: "status", role: "status" });
        this.error = make("p", { part: "error", role: "alert" });
        this.frame = make("div", { part: "frame", class: "frame" });
        const picture = make("div", { class: "picture" });
        picture.append(this.image, this.map);
        this.frame.append(picture, this.choose, this.file);
        root.append(this.frame, this.status, this.error, this.list);

        this.choose.textContent = strings.choose;
        this.choose.addEventListener("click", () => this.file.click());
        this.file.addEventListener("change", () => {
            const [file] = this.file.files ?? [];
            this.file.value = ""; // so that the same file can be chosen again
            if (file) onFile(file);
        });
    }

    /**
     * Shows a poster while it is classified.
     *
     * @param {string | Blob | undefined} picture  address or file; undefined shows none
     * @param {string} alt
     */
    showWorking(picture, alt) {
        this.#release();
        if (picture instanceof Blob) this.#address = URL.createObjectURL(picture);
        const address = picture instanceof Blob ? this.#address : picture;
        this.image.hidden = !address;
        if (address) this.image.src = address;
        else this.image.removeAttribute("src");
        this.image.alt = alt;
        this.frame.classList.toggle("filled", Boolean(address));
        this.#result = undefined;
        this.#selected = "";
        this.error.textContent = "";
        this.status.textContent = this.#strings.working;
        this.list.replaceChildren();
        this.map.hidden = true;
    }

    /**
     * @param {Classification} result
     * @param {number} top
     */
    showResult(result, top) {
        this.#result = result;
        this.status.textContent = "";
        this.list.replaceChildren(...result.genres.slice(0, top).map((prediction) => this.#item(prediction)));
        this.#showMap();
    }

    /** @param {string} text */
    showError(text) {
        this.status.textContent = "";
        this.error.textContent = text;
    }

    /** Shows no poster. */
    clear() {
        this.showWorking(undefined, "");
        this.status.textContent = "";
    }

    #release() {
        URL.revokeObjectURL(this.#address);
        this.#address = "";
    }

    /** @param {Classification["genres"][number]} prediction */
    #item({ genre, probability, likely }) {
        const hasMap = this.#result?.heatmaps?.genres.some((map) => map.genre === genre);
        const filled = make("span");
        filled.style.inlineSize = `${100 * probability}%`;
        const bar = make("span", { class: "bar", part: "bar", "aria-hidden": "true" });
        bar.append(filled);
        const row = make(hasMap ? "button" : "div", { class: "row", part: "genre", ...(hasMap && { type: "button", "aria-pressed": "false" }) });
        row.append(text("name", "name", genre), " ", text("percent", "probability", this.#strings.percent(probability)), bar);
        if (hasMap) {
            row.dataset.genre = genre;
            row.title = this.#strings.showWhere(genre);
            row.addEventListener("click", () => {
                this.#selected = this.#selected === genre ? "" : genre;
                this.#showMap();
            });
        }
        const item = make("li", { class: likely ? "likely" : "" });
        item.append(row);
        return item;
    }

    #showMap() {
        const heatmaps = this.#result?.heatmaps;
        const map = heatmaps?.genres.find(({ genre }) => genre === this.#selected);
        this.map.hidden = !map;
        if (heatmaps && map) {
            paint(this.map, map, heatmaps, strongest([map]));
            this.map.setAttribute("aria-label", this.#strings.heatmap(map.genre));
        }
        for (const row of this.list.querySelectorAll("button")) row.setAttribute("aria-pressed", String(row.dataset.genre === this.#selected));
    }
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | boolean>} [attributes]
 */
function make(name, attributes = {}) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "boolean") element.toggleAttribute(key, value);
        else if (value) element.setAttribute(key, value);
    }
    return element;
}

/**
 * @param {string} className
 * @param {string} part
 * @param {string} content
 */
function text(className, part, content) {
    const span = make("span", { class: className, part });
    span.textContent = content;
    return span;
}
