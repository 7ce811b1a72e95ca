/**
 * The list of models in the Teach view, with rename, save and delete; also names the model in use beside a poster's genres.
 */

import { askName, confirm } from "./dialog.js";
import { element, make } from "./dom.js";
import { message } from "./errors.js";
import { lockModel } from "./model-lock.js";
import * as models from "./models.js";
import { saveFile } from "./save-file.js";
import { strings } from "./strings/index.js";
import { offer } from "./undo.js";

const page = {
    choice: element("model", HTMLSelectElement),
    use: element("use-model", HTMLButtonElement),
    rename: element("rename-model", HTMLButtonElement),
    save: element("save-model", HTMLButtonElement),
    remove: element("remove-model", HTMLButtonElement),
    note: element("model-note", HTMLElement),
    /** Beside a poster's genres, and above the gallery. */
    inUse: [element("model-name", HTMLElement), element("many-model", HTMLElement)],
};

/** The model in use when the list was last filled. @type {import("./store.js").OwnModel | undefined} */
let shown;

models.listen({ onChange: show, onStorageError: showStorageError });
show();

// Arrow keys change the choice, so another model is used only on request.
page.choice.addEventListener("change", showUse);
page.use.addEventListener("click", () => {
    showNote("");
    models.selectById(Number(page.choice.value));
    page.choice.focus(); // the button is disabled now
});
page.rename.addEventListener("click", async () => {
    const model = models.current();
    const name = model && (await askName(strings.models.renameTitle, model.name, (name) => (name ? "" : strings.dialog.noName)));
    if (model && name) await models.change(model, { name });
});
page.save.addEventListener("click", () => {
    const model = models.current();
    if (model?.file) saveFile(model.file, `${model.name.replaceAll(/[^\p{L}\p{N} ._-]/gu, "_")}.safetensors`);
});
page.remove.addEventListener("click", async () => {
    const model = models.current();
    if (!model || !(await confirm(strings.models.removeTitle(model.name), strings.models.removeConfirm))) return;
    const unlock = await lockModel(model.id);
    if (!unlock) {
        showNote(strings.models.inOtherTab(model.name));
        return;
    }
    const bringBack = await models.remove(model);
    unlock();
    offer(strings.undo.modelDeleted(model.name), bringBack);
    page.choice.focus(); // the button is hidden now
});

/** @param {string} text */
export function showNote(text) {
    page.note.textContent = text;
}

/** Reports a training that a reload or crash interrupted. @param {import("./store.js").OwnModel} model */
export function showInterruption({ name, cut }) {
    if (cut) showNote(strings.models.interrupted(name, cut.step, cut.steps));
}

/** @param {unknown} error */
function showStorageError(error) {
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    const reason = isFull ? strings.models.storageFull : message(error);
    showNote(strings.models.notSaved(reason));
}

function show() {
    const current = models.current();
    const own = models.all().map(({ id, name }) => make("option", { value: String(id) }, name));
    const chosen = page.choice.value;
    page.choice.replaceChildren(make("option", { value: "" }, strings.models.builtIn), ...own);
    page.choice.value = chosen;
    // A choice that waits for its button stays, unless its model is gone or another one came into use meanwhile.
    if (shown !== current || page.choice.value !== chosen) page.choice.value = String(current?.id ?? "");
    shown = current;
    page.rename.hidden = page.remove.hidden = !current;
    page.save.hidden = !current?.file;
    for (const name of page.inUse) name.textContent = current?.file ? strings.models.inUse(current.name) : "";
    showUse();
}

function showUse() {
    page.use.disabled = page.choice.disabled || page.choice.value === String(models.current()?.id ?? "");
}
