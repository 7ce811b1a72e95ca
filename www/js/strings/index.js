/**
 * The page's text in the visitor's language. Code imports it as
 *
 *     import { percent, strings } from "./strings/index.js";
 *     title.textContent = strings.gallery.title(posters.length);
 *
 * and index.html names its keys in attributes, which apply.js fills in: `data-text="drop.invitation"` sets an
 * element's text; `data-aria-label`, `data-placeholder`, `data-title`, `data-alt` and `data-content` set the attribute
 * of that name.
 *
 * To add a string, add a key to a group in en.js: plain text, or a function where the text depends on a value. Write
 * the whole key where it is used, as above. tsc rejects a key that does not exist; tests/e2e/strings.test.mjs fails
 * for a key in index.html that does not exist, for a key that nothing uses, and for a string that a language lacks.
 *
 * To add a language, copy en.js to the language's tag (de.js), name its export after the tag, declare it as
 * `@type {Strings}`, translate it, and list it in LANGUAGES here and in first-paint.js, which chooses the language.
 * Only the chosen table is loaded.
 *
 * @typedef {typeof import("./en.js").en} Strings
 */

import { formatsFor } from "./formats.js";

/** The languages that the page has: tag and name, as their speakers write it. first-paint.js has the same tags. */
export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", hi: "हिन्दी", ja: "日本語", ar: "العربية" };

const root = globalThis.document?.documentElement;

/** The tag of the language that the page shows, as first-paint.js chose it. */
export const language = root && root.lang in LANGUAGES ? root.lang : "en";

/** The tag of the language that the browser prefers, among those that the page has. */
export const browserLanguage = root?.dataset.browserLanguage ?? "en";

/** Whether the language is written from right to left. */
export const isRightToLeft = root?.dir === "rtl";

/** Every visible string of the page. @type {Strings} */
export const strings = (await import(`./${language}.js`))[language];

export const { number, percent, duration, megabytes, rate } = formatsFor(language);
