/**
 * `<marquee-poster>`: shows a poster with its genres. See element-api.d.ts for attributes, parts and events.
 *
 * @import { Classification, LoadOptions, PosterInput } from "./api.js"
 * @import { Strings } from "./element-api.js"
 */

import { version } from "./assets.js";
import { View } from "./element-view.js";
import { failure } from "./errors.js";
import { instance, join, leave } from "./shared-instance.js";

const NAME = "marquee-poster";

const TOP = 3;

/** @type {Strings} */
const ENGLISH = {
    poster: "Poster",
    choose: "Choose a poster, or drop one here",
    working: "Classifying…",
    genres: "Genres",
    percent: (probability) => `${Math.round(100 * probability)}%`,
    showWhere: (genre) => `Show the evidence for ${genre}`,
    heatmap: (genre) => `Evidence for ${genre}: orange for it, blue against it`,
    alt: (name) => `Poster: ${name}`,
};

/** Absent where pages are rendered on a server; the module can be imported there. */
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

export class MarqueePoster extends Base {
    static version = version;
    static observedAttributes = ["src", "top", "heatmap"];
    /** @type {LoadOptions} */
    static options = {};
    /** @type {Strings} */
    static strings = ENGLISH;

    #view;
    #strings = MarqueePoster.strings;
    /** Ends the classification under way. */
    #ended = new AbortController();
    /** @type {Classification | undefined} */
    #result;
    /** What is shown. @type {PosterInput | undefined} */
    #input;
    #isScheduled = false;

    constructor() {
        super();
        const internals = this.attachInternals();
        internals.role = "group";
        internals.ariaLabel = this.#strings.poster;
        this.#view = new View(this.attachShadow({ mode: "open" }), this.#strings, (file) => this.#start(file));
        this.addEventListener("dragover", (event) => {
            event.preventDefault();
            this.#view.frame.classList.add("dragging");
        });
        this.addEventListener("dragleave", () => this.#view.frame.classList.remove("dragging"));
        this.addEventListener("drop", (event) => {
            event.preventDefault();
            event.stopPropagation();
            this.#view.frame.classList.remove("dragging");
            const [file] = event.dataTransfer?.files ?? [];
            if (file) this.#start(file);
        });
    }

    get src() {
        return this.getAttribute("src") ?? "";
    }
    set src(value) {
        this.setAttribute("src", value);
    }

    get top() {
        const top = Number.parseInt(this.getAttribute("top") ?? "", 10);
        return top > 0 ? top : TOP;
    }
    set top(value) {
        this.setAttribute("top", String(value));
    }

    get heatmap() {
        return this.hasAttribute("heatmap");
    }
    set heatmap(value) {
        this.toggleAttribute("heatmap", value);
    }

    get result() {
        return this.#result;
    }

    connectedCallback() {
        join();
        if (!this.#result) this.#schedule();
    }

    disconnectedCallback() {
        leave();
        // What is not finished is started again if the element comes back.
        this.#ended.abort();
    }

    /** @param {string} name @param {string | null} before @param {string | null} after */
    attributeChangedCallback(name, before, after) {
        if (before === after) return;
        if (name === "top") {
            if (this.#result) this.#view.showResult(this.#result, this.top);
            return;
        }
        if (name === "src") this.#input = undefined;
        this.#schedule();
    }

    /** @param {PosterInput} input */
    async classify(input) {
        this.#ended.abort();
        this.#ended = new AbortController();
        const { signal } = this.#ended;
        this.#input = input;
        this.#result = undefined;
        this.#view.showWorking(pictureOf(input), this.#strings.alt(nameOf(input)));
        try {
            const marquee = await instance(MarqueePoster.options);
            signal.throwIfAborted();
            const result = await marquee.classify(input, { heatmaps: this.heatmap, signal });
            this.#result = result;
            this.#view.showResult(result, this.top);
            this.dispatchEvent(new CustomEvent("classified", { detail: result }));
            return result;
        } catch (error) {
            if (!signal.aborted) {
                const message = error instanceof Error ? error.message : String(error);
                this.#view.showError(message);
                this.dispatchEvent(new ErrorEvent("error", { error, message }));
            }
            throw error;
        }
    }

    /** Classifies, and reports errors by the event alone. @param {PosterInput} input */
    #start(input) {
        this.classify(input).catch(() => {});
    }

    /** Classifies once after all attributes have been set. */
    #schedule() {
        if (this.#isScheduled) return;
        this.#isScheduled = true;
        queueMicrotask(() => {
            this.#isScheduled = false;
            if (!this.isConnected) return;
            const input = this.#input ?? this.src;
            if (input) {
                this.#start(input);
            } else {
                this.#ended.abort();
                this.#result = undefined;
                this.#view.clear();
            }
        });
    }
}

/** Returns what an image element can show of an input. @param {PosterInput} input */
function pictureOf(input) {
    if (input instanceof Blob) return input;
    if (input instanceof ArrayBuffer || input instanceof Uint8Array) return new Blob([/** @type {BlobPart} */ (input)]);
    if (typeof input === "string" || input instanceof URL) return String(input);
    return "currentSrc" in input && input instanceof HTMLImageElement ? input.currentSrc : undefined;
}

/** @param {PosterInput} input */
function nameOf(input) {
    if (input instanceof File) return input.name;
    const address = typeof input === "string" || input instanceof URL ? String(input) : "";
    return address.startsWith("data:") ? "" : (address.split(/[?#]/)[0]?.split("/").at(-1) ?? "");
}

const defined = globalThis.customElements?.get(NAME);
if (defined) {
    const theirs = String(Reflect.get(defined, "version"));
    if (theirs !== version) throw failure("two-versions", { ours: version, theirs });
} else {
    globalThis.customElements?.define(NAME, MarqueePoster);
}
