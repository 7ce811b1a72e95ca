/** One instance of Marquee for all elements on a page. It is loaded for the first poster, and closed after the last. */

import { load } from "./index.js";

/** Milliseconds without any element after which the instance is closed; elements may only be moving. */
const LINGER = 5000;

/** @type {Promise<import("./api.js").Marquee> | undefined} */
let opened;
/** Elements in a document. */
let users = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let closing;

/** Announces an element that may use the instance. */
export function join() {
    users++;
    clearTimeout(closing);
}

/** Announces that an element has left. */
export function leave() {
    users--;
    if (users) return;
    closing = setTimeout(() => {
        opened?.then((marquee) => marquee.close(), () => {});
        opened = undefined;
    }, LINGER);
}

/** Returns the instance. @param {import("./api.js").LoadOptions} options  of the first call */
export function instance(options) {
    opened ??= load(options).catch((error) => {
        opened = undefined; // the next poster tries again
        throw error;
    });
    return opened;
}
