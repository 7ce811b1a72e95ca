/** Asks the visitor for a name, or for a yes. */

import { element } from "./dom.js";

const page = {
    dialog: element("dialog", HTMLDialogElement),
    title: element("dialog-title", HTMLElement),
    label: element("dialog-label", HTMLLabelElement),
    text: element("dialog-text", HTMLInputElement),
    error: element("dialog-error", HTMLElement),
    yes: element("dialog-yes", HTMLButtonElement),
    no: element("dialog-no", HTMLButtonElement),
};

/**
 * The name that the visitor gives; undefined where they give none.
 *
 * @param {string} title
 * @param {string} value  to begin with
 * @param {(name: string) => string} check  what is wrong with a name; nothing where it is right
 * @returns {Promise<string | undefined>}
 */
export async function askName(title, value, check) {
    page.label.hidden = false;
    page.text.value = value;
    page.yes.textContent = "Done";
    const isRight = () => {
        page.error.textContent = check(page.text.value.trim());
        return !page.error.textContent;
    };
    return (await ask(title, isRight)) ? page.text.value.trim() : undefined;
}

/**
 * @param {string} title
 * @param {string} yes  what the button says that agrees
 */
export function askYes(title, yes) {
    page.label.hidden = true;
    page.yes.textContent = yes;
    return ask(title, () => true);
}

/**
 * @param {string} title
 * @param {() => boolean} isRight
 * @returns {Promise<boolean>}
 */
function ask(title, isRight) {
    page.title.textContent = title;
    page.error.textContent = "";
    page.dialog.showModal();
    return new Promise((resolve) => {
        let agreed = false;
        const form = /** @type {HTMLFormElement} */ (page.dialog.querySelector("form"));
        form.onsubmit = (event) => {
            event.preventDefault();
            if (!isRight()) return;
            agreed = true;
            page.dialog.close();
        };
        page.no.onclick = () => page.dialog.close();
        page.dialog.onclose = () => resolve(agreed);
    });
}
