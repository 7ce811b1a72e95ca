/**
 * The training posters, each with buttons that tick its genres.
 *
 * @import { Example } from "../store.js"
 */

import { thumbnail } from "../../marquee/source.js";
import { element, make } from "../dom.js";
import { genreName } from "../genres.js";
import { strings } from "../strings/index.js";
import * as undo from "../undo.js";
import * as state from "./state.js";

const page = {
    tiles: element("teach-posters", HTMLElement),
    empty: element("teach-empty", HTMLElement),
    input: element("teach-file", HTMLInputElement),
};

/** Height of a thumbnail in pixels: twice the largest size on the page, for high-resolution screens. */
const THUMBNAIL_HEIGHT = 300;

/** @type {Map<Example, HTMLLIElement>} */
const tiles = new Map();
/** Addresses of the thumbnails. @type {string[]} */
const addresses = [];

state.listen({ onChange: showAllTicks });

/** Removes all tiles and releases their thumbnails. */
export function clear() {
    for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
    tiles.clear();
    page.tiles.replaceChildren();
}

/** Moves to the poster that was added last. */
export function focusLast() {
    const tick = page.tiles.lastElementChild?.querySelector(".tick");
    tick?.scrollIntoView({ block: "center" });
    if (tick instanceof HTMLElement) tick.focus({ preventScroll: true });
}

/** Adds a poster to the training set and shows it, unless another model is shown by then. @param {Example} example */
export async function add(example) {
    const small = await thumbnail(example.file, THUMBNAIL_HEIGHT);
    if (example.network !== state.current()?.id) return;
    const src = small ? URL.createObjectURL(small) : "";
    if (src) addresses.push(src);
    const remove = make("button", { type: "button", className: "remove", ariaLabel: strings.teachPosters.remove(example.name), title: strings.teachPosters.removeHint }, "×");
    const tile = make(
        "li",
        { className: "training-poster" },
        make("img", { src, alt: "", width: 200, height: 300, loading: "lazy" }),
        make("span", { className: "file", title: example.name }, example.name),
        make("div", { className: "ticks" }),
        remove,
    );
    remove.addEventListener("click", async () => {
        const neighbour = tile.nextElementSibling ?? tile.previousElementSibling;
        tiles.delete(example);
        tile.remove();
        // Otherwise the focus would be lost with the tile.
        const next = neighbour?.querySelector("button.remove") ?? page.input;
        if (next instanceof HTMLElement) next.focus();
        await state.removeExample(example);
        undo.offer(strings.undo.posterRemoved(example.name), async () => {
            const restored = await state.restoreExample(example);
            if (restored) await add(restored);
            state.changed();
        });
    });
    state.examples.add(example);
    tiles.set(example, tile);
    page.tiles.append(tile);
    showTicks(example, tile);
}

function showAllTicks() {
    for (const [example, tile] of tiles) showTicks(example, tile);
    page.empty.hidden = tiles.size > 0;
}

/**
 * @param {Example} example
 * @param {HTMLLIElement} tile
 */
function showTicks(example, tile) {
    const buttons = state.genres().map((genre) => {
        const button = make("button", { type: "button", className: "tick", ariaPressed: String(example.genres.includes(genre)) }, genreName(genre));
        button.addEventListener("click", () => {
            button.ariaPressed = String(!example.genres.includes(genre));
            return state.toggleLabel(example, genre);
        });
        return button;
    });
    tile.querySelector(".ticks")?.replaceChildren(...buttons);
}
