/** The Teach view's status line and error message. */

import { element } from "../dom.js";

const page = {
    status: element("training-status", HTMLElement),
    error: element("teach-error", HTMLElement),
};

/** @param {string} text */
export function showStatus(text) {
    page.status.textContent = text;
}

/** @param {string} message */
export function showError(message) {
    page.error.textContent = message;
}

/** Adds to the errors that are shown. @param {string} message */
export function addError(message) {
    page.error.textContent = page.error.textContent ? `${page.error.textContent} ${message}` : message;
}
