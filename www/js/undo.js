/** Offers to undo what was just done, for a while. */

import { element } from "./dom.js";

const page = {
    toast: element("toast", HTMLElement),
    text: element("toast-text", HTMLElement),
    undo: element("undo", HTMLButtonElement),
};

/** How long the offer stays, in milliseconds. It does not end while it has the focus or the pointer is on it. */
const OFFERED = 12_000;

let timer = 0;
/** @type {() => void} */
let forget = () => {};

for (const event of ["pointerenter", "focusin"]) page.toast.addEventListener(event, () => clearTimeout(timer));
for (const event of ["pointerleave", "focusout"]) page.toast.addEventListener(event, start);

/**
 * @param {string} text  what was done
 * @param {() => void} undo
 * @param {() => void} [onForgotten]  called once it can no longer be undone
 */
export function offer(text, undo, onForgotten = () => {}) {
    end();
    forget = onForgotten;
    page.toast.hidden = false;
    page.text.textContent = text;
    page.undo.onclick = () => {
        forget = () => {};
        end();
        undo();
    };
    start();
}

function start() {
    clearTimeout(timer);
    if (!page.toast.hidden) timer = window.setTimeout(end, OFFERED);
}

function end() {
    clearTimeout(timer);
    page.toast.hidden = true;
    page.text.textContent = "";
    forget();
    forget = () => {};
}
