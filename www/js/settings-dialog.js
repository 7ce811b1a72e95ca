/**
 * The dialog in which the visitor changes the settings.
 *
 * @import { Settings } from "./settings.js"
 */

import { element, make } from "./dom.js";
import { DEFAULTS, link, save, valid } from "./settings.js";
import { LANGUAGES, strings } from "./strings/index.js";

const page = {
    dialog: element("settings", HTMLDialogElement),
    form: /** @type {HTMLFormElement} */ (element("settings", HTMLDialogElement).querySelector("form")),
    languages: element("settings", HTMLDialogElement).querySelector("[name=language]"),
    note: element("settings-note", HTMLElement),
    copy: element("copy-link", HTMLButtonElement),
    reset: element("reset-settings", HTMLButtonElement),
};

for (const [tag, name] of Object.entries(LANGUAGES)) {
    page.languages?.append(make("option", { value: tag, lang: tag }, name));
}

/** Those that the dialog shows. @type {Settings} */
let settings = { ...DEFAULTS };
/** The settings that the last click on Reset replaced, until something else is changed. @type {Settings | undefined} */
let beforeReset;
/** @type {(settings: Settings) => void} */
let onChange = () => {};

page.form.addEventListener("change", () => {
    offerUndo(undefined);
    if (page.form.checkValidity()) change({ ...settings, ...valid(Object.fromEntries(new FormData(page.form))) });
});
page.reset.addEventListener("click", () => {
    const wanted = beforeReset ?? { ...DEFAULTS };
    const replaced = beforeReset ? undefined : settings;
    change(wanted);
    offerUndo(replaced);
});
page.copy.addEventListener("click", async () => {
    const address = link(settings);
    await navigator.clipboard.writeText(address).then(
        () => (page.note.textContent = strings.settings.copied),
        () => (page.note.textContent = address),
    );
});

/**
 * Opens the dialog.
 *
 * @param {Settings} current
 * @param {(settings: Settings) => void} changed  called after every change
 */
export function show(current, changed) {
    onChange = changed;
    fill(current);
    offerUndo(undefined);
    page.note.textContent = "";
    page.dialog.showModal();
}

/** Makes the Reset button an Undo button while there is something to undo. @param {Settings | undefined} replaced */
function offerUndo(replaced) {
    beforeReset = replaced;
    page.reset.textContent = replaced ? strings.undo.undo : strings.settings.reset;
}

/** @param {string} text */
export function showNote(text) {
    page.note.textContent = text;
}

/** @param {Settings} changed */
function change(changed) {
    fill(changed);
    try {
        save(settings);
        page.note.textContent = "";
    } catch {
        page.note.textContent = strings.settings.notSaved;
    }
    onChange(settings);
}

/** @param {Settings} shown */
function fill(shown) {
    settings = shown;
    for (const [name, value] of Object.entries(settings)) {
        const field = /** @type {HTMLSelectElement | HTMLInputElement} */ (page.form.elements.namedItem(name));
        field.value = String(value);
    }
}
