/**
 * The dialog in which the visitor changes the settings.
 *
 * @import { Settings } from "./settings.js"
 */

import { element } from "./dom.js";
import { DEFAULTS, link, restore, save, valid } from "./settings.js";
import { strings } from "./strings/index.js";

const page = {
    dialog: element("settings", HTMLDialogElement),
    form: /** @type {HTMLFormElement} */ (element("settings", HTMLDialogElement).querySelector("form")),
    note: element("settings-note", HTMLElement),
    open: element("open-settings", HTMLButtonElement),
    copy: element("copy-link", HTMLButtonElement),
    reset: element("reset-settings", HTMLButtonElement),
};

/**
 * Connects the dialog and applies theme and motion to the page.
 *
 * @param {(settings: Settings) => void} onChange
 * @returns {Settings}  the settings that the page starts with
 */
export function listen(onChange) {
    let settings = restore();
    show(settings);

    const change = (/** @type {Settings} */ changed) => {
        settings = changed;
        try {
            save(settings);
            page.note.textContent = "";
        } catch {
            page.note.textContent = strings.settings.notSaved;
        }
        show(settings);
        onChange(settings);
    };
    page.open.addEventListener("click", () => {
        page.note.textContent = "";
        page.dialog.showModal();
    });
    page.form.addEventListener("change", () => {
        if (page.form.checkValidity()) change({ ...settings, ...valid(Object.fromEntries(new FormData(page.form))) });
    });
    page.reset.addEventListener("click", () => change({ ...DEFAULTS }));
    page.copy.addEventListener("click", async () => {
        const address = link(settings);
        await navigator.clipboard.writeText(address).then(
            () => (page.note.textContent = strings.settings.copied),
            () => (page.note.textContent = address),
        );
    });
    return settings;
}

/** @param {Settings} settings */
function show(settings) {
    for (const [name, value] of Object.entries(settings)) {
        const field = /** @type {HTMLSelectElement | HTMLInputElement} */ (page.form.elements.namedItem(name));
        field.value = String(value);
    }
    const { dataset } = document.documentElement;
    dataset.motion = settings.motion;
    if (settings.theme === "system") delete dataset.theme;
    else dataset.theme = settings.theme;
}
