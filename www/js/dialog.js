/** The dialog that asks for a name or a confirmation. */

import { element } from "./dom.js";
import { strings } from "./strings/index.js";

const page = {
    dialog: element("dialog", HTMLDialogElement),
    title: element("dialog-title", HTMLElement),
    label: element("dialog-label", HTMLLabelElement),
    text: element("dialog-text", HTMLInputElement),
    error: element("dialog-error", HTMLElement),
    yes: element("dialog-yes", HTMLButtonElement),
    other: element("dialog-other", HTMLButtonElement),
    no: element("dialog-no", HTMLButtonElement),
};

/**
 * Asks for a name; returns undefined if the visitor cancels.
 *
 * @param {string} title
 * @param {string} value  initial text
 * @param {(name: string) => string} validate  returns what is wrong with a name, or an empty string
 * @returns {Promise<string | undefined>}
 */
export async function askName(title, value, validate) {
    page.label.hidden = false;
    page.text.value = value;
    page.yes.textContent = strings.dialog.done;
    const isValid = () => {
        page.error.textContent = validate(page.text.value.trim());
        return !page.error.textContent;
    };
    return (await ask(title, isValid)) ? page.text.value.trim() : undefined;
}

/**
 * @param {string} title
 * @param {string} yes  label of the button that confirms
 */
export function confirm(title, yes) {
    page.label.hidden = true;
    page.yes.textContent = yes;
    return ask(title, () => true);
}

/**
 * Asks which of two things to do; returns undefined if the visitor cancels.
 *
 * @param {string} title
 * @param {string[]} labels  of the two buttons; the second one is the default
 * @returns {Promise<0 | 1 | undefined>}
 */
export async function choose(title, [other = "", yes = ""]) {
    page.other.textContent = other;
    page.other.hidden = false;
    let isOther = false;
    page.other.onclick = () => {
        isOther = true;
        page.dialog.close();
    };
    const isDefault = await confirm(title, yes);
    page.other.hidden = true;
    if (isOther) return 0;
    return isDefault ? 1 : undefined;
}

/**
 * @param {string} title
 * @param {() => boolean} isValid
 * @returns {Promise<boolean>}  false if the visitor cancels
 */
function ask(title, isValid) {
    page.title.textContent = title;
    page.error.textContent = "";
    page.dialog.showModal();
    return new Promise((resolve) => {
        let confirmed = false;
        const form = /** @type {HTMLFormElement} */ (page.dialog.querySelector("form"));
        form.onsubmit = (event) => {
            event.preventDefault();
            if (!isValid()) return;
            confirmed = true;
            page.dialog.close();
        };
        page.no.onclick = () => page.dialog.close();
        page.dialog.onclose = () => resolve(confirmed);
    });
}
