/** The few ways in which every view touches the DOM. Text is set as text, never as markup: a file's or a genre's name can do no harm. */

/**
 * The page's element of this id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
    return found;
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<Omit<HTMLElementTagNameMap[K], "style">> | null} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties, ...children) {
    const made = document.createElement(tag);
    Object.assign(made, properties);
    made.append(...children);
    return made;
}

/**
 * A table with a head; the first cell of each row names it.
 *
 * @param {string} label  read out with it
 * @param {string[]} head
 * @param {{ cells: string[], className?: string }[]} rows
 */
export function table(label, head, rows) {
    const body = rows.map(({ cells: [name = "", ...cells], className = "" }) =>
        make("tr", { className }, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", null, cell))),
    );
    const made = make(
        "table",
        null,
        make("thead", null, make("tr", null, ...head.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", null, ...body),
    );
    // Wide tables scroll in themselves, with the keyboard too.
    const scroll = make("div", { className: "scroll", tabIndex: 0, ariaLabel: label }, made);
    scroll.setAttribute("role", "region");
    return scroll;
}

/**
 * A share as a percentage, with a decimal where it is small.
 *
 * @param {number} share
 */
export function percent(share) {
    return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
    if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
    if (milliseconds < 9_950) return `${Math.round(milliseconds)} ms`;
    const seconds = Math.round(milliseconds / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
