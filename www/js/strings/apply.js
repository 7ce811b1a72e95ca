/**
 * Fills index.html with its text, and only then starts the page's code. It is the page's only module script: WebKit runs
 * a second one before the strings are there, although both import them.
 */

import { strings } from "./index.js";

/** Attributes that `data-<attribute>` fills in. */
const ATTRIBUTES = ["aria-label", "placeholder", "title", "alt", "content"];

for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = lookup(element.getAttribute("data-text"));
}
for (const attribute of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-${attribute}]`)) {
        element.setAttribute(attribute, lookup(element.getAttribute(`data-${attribute}`)));
    }
}
await import("../main.js");

/**
 * Returns the string of a key such as "drop.invitation".
 *
 * @param {string | null} key
 * @returns {string}
 */
function lookup(key) {
    const [group = "", name = ""] = key?.split(".") ?? [];
    const found = Reflect.get(Reflect.get(strings, group) ?? {}, name);
    if (typeof found !== "string") throw new Error(`index.html uses the string ${key}, which the table does not have`);
    return found;
}
