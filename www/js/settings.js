/**
 * What the visitor likes: kept in this browser, and carried by a link, whose word counts more.
 *
 * @import { Choice, Genre } from "./messages.js"
 */

import { element } from "./dom.js";

/**
 * @typedef {object} Settings
 * @property {Choice} device
 * @property {"balanced" | "precise" | "thorough"} thresholds
 * @property {number} top  genres shown large
 * @property {"system" | "light" | "dark"} theme
 * @property {"system" | "reduced"} motion
 */

/** @type {Settings} */
const DEFAULTS = { device: "auto", thresholds: "balanced", top: 3, theme: "system", motion: "system" };

/** @type {Record<string, readonly string[]>} */
const CHOICES = {
    device: ["auto", "cpu", "webgpu"],
    thresholds: ["balanced", "precise", "thorough"],
    theme: ["system", "light", "dark"],
    motion: ["system", "reduced"],
};

const KEY = "marquee.settings"; // theme.js reads it too

const page = {
    dialog: element("settings", HTMLDialogElement),
    form: /** @type {HTMLFormElement} */ (element("settings", HTMLDialogElement).querySelector("form")),
    note: element("settings-note", HTMLElement),
    open: element("open-settings", HTMLButtonElement),
    copy: element("copy-link", HTMLButtonElement),
    reset: element("reset-settings", HTMLButtonElement),
};

/**
 * Shows the settings in their dialog, and tells when they change.
 *
 * @param {(settings: Settings) => void} changed
 * @returns {Settings}  those to begin with
 */
export function listen(changed) {
    let settings = { ...DEFAULTS, ...valid(stored()), ...valid(Object.fromEntries(new URLSearchParams(location.search))) };
    const show = () => {
        for (const [name, value] of Object.entries(settings)) field(name).value = String(value);
        document.documentElement.dataset.motion = settings.motion;
        if (settings.theme === "system") delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = settings.theme;
    };
    const keep = () => {
        try {
            localStorage.setItem(KEY, JSON.stringify(settings));
            page.note.textContent = "";
        } catch {
            page.note.textContent = "This browser keeps nothing for this page, so these settings end with this visit.";
        }
        show();
        changed(settings);
    };
    page.open.addEventListener("click", () => {
        page.note.textContent = "";
        page.dialog.showModal();
    });
    page.form.addEventListener("change", () => {
        if (!page.form.checkValidity()) return;
        settings = { ...settings, ...valid(Object.fromEntries(new FormData(page.form))) };
        keep();
    });
    page.reset.addEventListener("click", () => {
        settings = { ...DEFAULTS };
        keep();
    });
    page.copy.addEventListener("click", async () => {
        const link = new URL(location.pathname, location.href);
        for (const [name, value] of Object.entries(settings)) {
            if (value !== Reflect.get(DEFAULTS, name)) link.searchParams.set(name, String(value));
        }
        await navigator.clipboard.writeText(link.href).then(
            () => (page.note.textContent = "Copied."),
            () => (page.note.textContent = link.href),
        );
    });
    show();
    return settings;
}

/** @param {string} name */
function field(name) {
    return /** @type {HTMLSelectElement | HTMLInputElement} */ (page.form.elements.namedItem(name));
}

/** @returns {Record<string, unknown>} */
function stored() {
    try {
        return JSON.parse(localStorage.getItem(KEY) ?? "{}");
    } catch {
        return {};
    }
}

/**
 * What of `wanted` is a setting with a value that it can have.
 *
 * @param {Record<string, unknown>} wanted
 * @returns {Partial<Settings>}
 */
function valid(wanted) {
    const chosen = Object.entries(CHOICES).filter(([name, values]) => values.includes(String(wanted[name])));
    const settings = Object.fromEntries(chosen.map(([name]) => [name, wanted[name]]));
    const top = Number(wanted.top ?? NaN);
    return Number.isInteger(top) && top >= 1 && top <= 25 ? { ...settings, top } : settings;
}

/** What a false genre costs beside a missed one. */
const COST = { balanced: 1, precise: 2, thorough: 0.5 };

/**
 * Whether a poster counts as one of a genre. Probabilities are calibrated, so a false genre that costs twice
 * as much as before is one whose odds must be twice as high.
 *
 * @param {Genre} genre
 * @param {number} probability
 * @param {Settings["thresholds"]} thresholds
 */
export function isLikely(genre, probability, thresholds) {
    const odds = (COST[thresholds] * genre.threshold) / (1 - genre.threshold);
    return thresholds === "balanced" ? probability >= genre.threshold : probability >= odds / (1 + odds);
}
