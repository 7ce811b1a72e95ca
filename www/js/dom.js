/**
 * Access to the DOM, for every view. Text is set as text, never as markup, so the name of a file or genre cannot inject
 * HTML.
 */

/**
 * Returns the page's element with an id.
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
 * Creates an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<Omit<HTMLElementTagNameMap[K], "style">> | null} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties, ...children) {
    const created = document.createElement(tag);
    Object.assign(created, properties);
    created.append(...children);
    return created;
}

/**
 * Creates a table with a head row; the first cell of each row is its heading.
 *
 * @param {string} label  for assistive technology
 * @param {string[]} head
 * @param {{ cells: (string | Node)[], className?: string }[]} rows
 */
export function table(label, head, rows) {
    const body = rows.map(({ cells: [name = "", ...cells], className = "" }) =>
        make("tr", { className }, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", null, cell))),
    );
    const created = make(
        "table",
        null,
        make("thead", null, make("tr", null, ...head.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", null, ...body),
    );
    // A wide table scrolls inside its box. The box takes focus, so that the keyboard scrolls it too.
    const scroll = make("div", { className: "scroll", tabIndex: 0, ariaLabel: label }, created);
    scroll.setAttribute("role", "region");
    return scroll;
}
