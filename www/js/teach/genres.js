/** The genres to train, and warnings about genres with too few posters. */

import { askName } from "../dialog.js";
import { element, make } from "../dom.js";
import { genreName } from "../genres.js";
import { language, strings } from "../strings/index.js";
import * as undo from "../undo.js";
import * as state from "./state.js";
import { showStatus } from "./status.js";

const page = {
    genres: element("teach-genres", HTMLElement),
    known: element("known-genre", HTMLSelectElement),
    addKnown: element("add-known-genre", HTMLButtonElement),
    add: element("new-genre", HTMLButtonElement),
    warnings: element("teach-warnings", HTMLElement),
};

/** Posters with and without a genre that its metrics need at least. */
const MIN_POSTERS = 5;

state.listen({ onChange: show, onLabels: show });

// Arrow keys change the choice, so a genre is added only on request.
page.known.addEventListener("change", showAddKnown);
page.addKnown.addEventListener("click", async () => {
    await state.addGenre(page.known.value, false);
    page.known.focus(); // the button is disabled now
});
page.add.addEventListener("click", async () => {
    const name = await askName(strings.teach.newGenre, "", state.nameError);
    if (name) state.addGenre(name, true);
});

function show() {
    page.genres.replaceChildren(...state.genres().map(chip));
    const prompt = make("option", { value: "" }, strings.teachGenres.chooseKnown);
    const others = state.otherGenres().toSorted((a, b) => genreName(a).localeCompare(genreName(b), language));
    const chosen = page.known.value;
    page.known.replaceChildren(prompt, ...others.map((name) => make("option", { value: name }, genreName(name))));
    page.known.value = others.includes(chosen) ? chosen : "";
    page.warnings.replaceChildren(...warnings().map((text) => make("li", null, text)));
    showAddKnown();
}

function showAddKnown() {
    page.addKnown.disabled = page.known.disabled || page.known.value === "";
}

/**
 * Focuses a button of a chip: chips are replaced when something changes, and the focus is lost with them.
 *
 * @param {number} place  of the chip; the last one if there are fewer
 * @param {"first" | "last"} button
 */
function focusChip(place, button) {
    const chips = page.genres.children;
    const chip = chips[Math.min(place, chips.length - 1)];
    const buttons = chip?.querySelectorAll("button") ?? [];
    const target = buttons[button === "first" ? 0 : buttons.length - 1] ?? page.known;
    target.focus();
}

/** @param {string} genre */
function chip(genre) {
    const shown = genreName(genre);
    const rename = make("button", { type: "button", title: strings.models.rename, ariaLabel: strings.teachGenres.rename(shown) }, "✎");
    rename.addEventListener("click", () => renameGenre(genre));
    const remove = make("button", { type: "button", title: strings.teachGenres.removeHint, ariaLabel: strings.teachGenres.remove(shown) }, "×");
    remove.addEventListener("click", async () => {
        const place = state.genres().indexOf(genre);
        const restore = state.snapshot();
        await state.removeGenre(genre);
        undo.offer(strings.undo.genreRemoved(shown), restore);
        focusChip(place, "last");
    });
    const count = strings.teachGenres.count(state.countWith(genre), state.examples.size);
    return make("li", null, make("strong", null, shown), make("span", null, count), rename, remove);
}

/** @param {string} genre */
async function renameGenre(genre) {
    const shown = genreName(genre);
    const validate = (/** @type {string} */ name) => (name === shown ? "" : state.nameError(name));
    const name = await askName(strings.teachGenres.renameTitle(shown), shown, validate);
    if (!name || name === shown) return;
    await state.renameGenre(genre, name);
    focusChip(state.genres().indexOf(name), "first");
    showStatus(strings.teachGenres.renamed);
}

function warnings() {
    if (!state.examples.size) return [];
    return state.genres().flatMap((genre) => {
        const positives = state.countWith(genre);
        const negatives = state.examples.size - positives;
        const shown = genreName(genre);
        if (!positives) return [strings.teachGenres.noneTicked(shown)];
        if (!negatives) return [strings.teachGenres.allTicked(shown)];
        if (Math.min(positives, negatives) >= MIN_POSTERS) return [];
        return [strings.teachGenres.tooFew(shown, positives, negatives, MIN_POSTERS)];
    });
}
