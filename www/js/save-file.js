/** Saves a file on the visitor's machine. */

import { make } from "./dom.js";

/** The browser reads the file after the click, so its address must outlive the click. In milliseconds. */
const ADDRESS_LIFETIME = 10_000;

/**
 * @param {Blob} file
 * @param {string} name
 */
export function saveFile(file, name) {
    const href = URL.createObjectURL(file);
    make("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), ADDRESS_LIFETIME);
}
