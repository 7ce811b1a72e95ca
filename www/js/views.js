/**
 * Which of the page's views is shown. It is one value, kept in the browser's history: Back leaves a view, not the page.
 */

import { element } from "./dom.js";

/**
 * @typedef {object} View
 * @property {"poster" | "gallery" | "teach"} name
 * @property {number} [poster]  which of the posters that this visit has opened; undefined before the first
 * @property {View["name"]} [from]  the view that Back returns to; undefined if Back leaves the page
 */

const SECTIONS = {
    poster: ["drop", "side", "how"].map((id) => element(id, HTMLElement)),
    gallery: [element("many", HTMLElement)],
    teach: [element("teach", HTMLElement)],
};

/** @type {View} */
let view = { name: "poster" };
/** The browser is on its way to the previous entry of its history; what was opened meanwhile. @type {{ shownMeanwhile?: View } | undefined} */
let leaving;
/** @type {(view: View, before: View) => void} */
let onShow = () => {};

// After a reload, the posters of earlier entries are gone.
history.replaceState(view, "");
window.addEventListener("popstate", ({ state }) => {
    /** @type {View} */
    const entry = state ?? { name: "poster" };
    const { shownMeanwhile } = leaving ?? {};
    leaving = undefined;
    if (!shownMeanwhile) show(entry);
    else if (shownMeanwhile.name === entry.name) history.replaceState(shownMeanwhile, "");
    else history.pushState({ ...shownMeanwhile, from: entry.name }, "");
});

/** @param {(view: View, before: View) => void} listener  called when another view, or another poster, is shown */
export function listen(listener) {
    onShow = listener;
}

export function current() {
    return view;
}

/**
 * Opens a view. Another poster replaces the one on show; everything else can be left with Back.
 *
 * @param {View["name"]} name
 * @param {number} [poster]
 */
export function open(name, poster) {
    const isSame = view.name === name;
    const next = isSame ? { ...view, poster: poster ?? view.poster } : { name, poster, from: view.name };
    if (leaving) leaving.shownMeanwhile = next;
    else if (isSame) history.replaceState(next, "");
    else history.pushState(next, "");
    show(next);
}

/** Shows another view in the place of the one on show. @param {View["name"]} name */
export function replace(name) {
    const next = { name };
    history.replaceState(next, "");
    show(next);
}

/**
 * Closes the view on show.
 *
 * @param {View["name"]} [to]  the view to show; the previous one unless given
 */
export function close(to = view.from ?? "poster") {
    if (view.from !== to || leaving) {
        open(to);
        return;
    }
    show({ name: to }); // the browser takes a moment to go back
    leaving = {};
    history.back();
}

/** @param {View} next */
function show(next) {
    const before = view;
    view = next;
    for (const [name, sections] of Object.entries(SECTIONS)) {
        for (const section of sections) section.hidden = name !== next.name;
    }
    onShow(next, before);
}
