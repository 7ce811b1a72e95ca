/**
 * Moves from one poster of the gallery to the next: with buttons, the arrow keys, or a swipe.
 */

import { element } from "./dom.js";
import { strings } from "./strings/index.js";
import { current } from "./views.js";

const page = {
    box: element("browse", HTMLElement),
    previous: element("previous", HTMLButtonElement),
    next: element("next", HTMLButtonElement),
    place: element("browse-place", HTMLElement),
    frame: element("frame", HTMLElement),
};

/** Shortest swipe, in pixels. It must also be twice as long as it is high. */
const SHORTEST_SWIPE = 48;

/** Opens the poster so many places away. @type {((step: number) => void) | undefined} */
let move;

page.previous.addEventListener("click", () => move?.(-1));
page.next.addEventListener("click", () => move?.(1));
document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { target } = event;
    // There, arrow keys have a meaning of their own.
    const isTaken = target instanceof Element && target.closest("input, select, textarea, dialog, .scroll");
    if (!step || isTaken || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || current().name !== "poster") return;
    go(step);
});

/** Where the finger touched the picture. @type {Touch | undefined} */
let touched;
page.frame.addEventListener("touchstart", ({ touches }) => (touched = touches.length === 1 ? touches[0] : undefined), { passive: true });
page.frame.addEventListener("touchend", ({ changedTouches }) => {
    const [lifted] = changedTouches;
    if (!touched || !lifted) return;
    const [x, y] = [lifted.clientX - touched.clientX, lifted.clientY - touched.clientY];
    if (Math.abs(x) >= SHORTEST_SWIPE && Math.abs(x) >= 2 * Math.abs(y)) go(x < 0 ? 1 : -1);
});

/** Moves to the right or the left, which is the previous poster where text runs from right to left. @param {number} step */
function go(step) {
    move?.(document.documentElement.dir === "rtl" ? -step : step);
}

/**
 * Shows the place of the poster on show.
 *
 * @param {number} index  among the posters of the gallery; -1 if it is not one of them
 * @param {number} all
 * @param {(index: number) => void} open  called with the place of the poster to open
 */
export function show(index, all, open) {
    page.box.hidden = index === -1;
    page.frame.classList.toggle("swiped", index !== -1);
    if (index === -1) {
        move = undefined;
        return;
    }
    page.place.textContent = strings.browse.place(index + 1, all);
    for (const [button, isLast] of /** @type {[HTMLButtonElement, boolean][]} */ ([[page.previous, index === 0], [page.next, index === all - 1]])) {
        button.ariaDisabled = String(isLast); // a disabled button would lose the focus
    }
    move = (step) => {
        if (index + step >= 0 && index + step < all) open(index + step);
    };
}
