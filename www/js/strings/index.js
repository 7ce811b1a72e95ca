/**
 * The page's text in the visitor's language. Code imports it as
 *
 *     import { percent, strings } from "./strings/index.js";
 *     title.textContent = strings.gallery.title(posters.length);
 *
 * and index.html names its keys in attributes, which apply.js fills in: `data-text="drop.invitation"` sets an
 * element's text; `data-aria-label`, `data-placeholder`, `data-title` and `data-alt` set the attribute of that name.
 *
 * To add a string, add a key to a group in en.js: plain text, or a function where the text depends on a value. Write
 * the whole key where it is used, as above. tsc rejects a key that does not exist; tests/e2e/strings.test.mjs fails
 * for a key in index.html that does not exist and for a key that nothing uses.
 *
 * To add a language, copy en.js to the language's tag (de.js), declare it as `@type {Strings}`, translate it, and
 * list it in LANGUAGES. The browser's language settings choose the table.
 *
 * @typedef {typeof import("./en.js").en} Strings
 */

import { en } from "./en.js";
import { formatsFor } from "./formats.js";

/** The languages that the page has, by tag. The first one is the fallback. @type {Record<string, Strings>} */
export const LANGUAGES = { en };

/** The tag of the language that the page shows. */
export const language = preferred(globalThis.navigator?.languages ?? []);

/** Every visible string of the page. */
export const strings = LANGUAGES[language] ?? en;

export const { number, percent, duration, megabytes, rate } = formatsFor(language);

/**
 * Returns the first of the visitor's languages that the page has.
 *
 * @param {readonly string[]} wanted  BCP 47 tags, the preferred one first
 */
function preferred(wanted) {
    const candidates = wanted.flatMap((tag) => [tag, tag.split("-")[0] ?? tag]);
    return candidates.find((tag) => tag in LANGUAGES) ?? "en";
}
