/**
 * The visitor's settings. They come from the page's address, then from this browser's storage, then from the
 * defaults.
 *
 * @import { DeviceChoice } from "./messages.js"
 */

import { LANGUAGES } from "./strings/index.js";

/**
 * @typedef {object} Settings
 * @property {DeviceChoice} device
 * @property {"balanced" | "precise" | "thorough"} thresholds  how readily a genre is marked as likely
 * @property {number} top  number of genres shown large
 * @property {"system" | keyof typeof LANGUAGES} language  "system" is the browser's
 * @property {"system" | "light" | "dark"} theme
 * @property {"system" | "reduced"} motion
 */

/** @type {Readonly<Settings>} */
export const DEFAULTS = { device: "auto", thresholds: "balanced", top: 3, language: "system", theme: "system", motion: "system" };

/** Where the id of the visitor's model in use is stored; the name is that of version 0.1. */
export const OWN_MODEL_KEY = "marquee.network";

/** @type {Record<string, readonly string[]>} */
const CHOICES = {
    device: ["auto", "cpu", "webgpu"],
    thresholds: ["balanced", "precise", "thorough"],
    language: ["system", ...Object.keys(LANGUAGES)],
    theme: ["system", "light", "dark"],
    motion: ["system", "reduced"],
};

/** Largest number of genres shown large. */
const MOST_TOP = 25;

const KEY = "marquee.settings"; // first-paint.js reads it too

/** Returns the settings that the page starts with. @returns {Settings} */
export function restore() {
    return { ...DEFAULTS, ...valid(stored()), ...valid(Object.fromEntries(new URLSearchParams(location.search))) };
}

/** Applies theme and motion to the page. @param {Settings} settings */
export function applyLook({ theme, motion }) {
    const { dataset } = document.documentElement;
    dataset.motion = motion;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
}

/** Saves settings for the next visit. Throws if the browser refuses. @param {Settings} settings */
export function save(settings) {
    localStorage.setItem(KEY, JSON.stringify(settings));
}

/** Returns the page's address with the settings that differ from the defaults. @param {Settings} settings */
export function link(settings) {
    const address = new URL(location.pathname, location.href);
    for (const [name, value] of Object.entries(settings)) {
        if (value !== Reflect.get(DEFAULTS, name)) address.searchParams.set(name, String(value));
    }
    return address.href;
}

/**
 * Returns those values that are settings with an allowed value.
 *
 * @param {Record<string, unknown>} values
 * @returns {Partial<Settings>}
 */
export function valid(values) {
    const allowed = Object.entries(CHOICES).filter(([name, choices]) => choices.includes(String(values[name])));
    const settings = Object.fromEntries(allowed.map(([name]) => [name, values[name]]));
    const top = Number(values.top ?? NaN);
    return Number.isInteger(top) && top >= 1 && top <= MOST_TOP ? { ...settings, top } : settings;
}

/** @returns {Record<string, unknown>} */
function stored() {
    try {
        return JSON.parse(localStorage.getItem(KEY) ?? "{}");
    } catch {
        return {};
    }
}
