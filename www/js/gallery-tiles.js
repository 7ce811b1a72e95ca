/**
 * A grid of tiles of which only those near the window are in the page, so that thousands of posters scroll smoothly and take
 * bounded memory. Padding takes the place of the rows that are not in the page. All tiles have the same height.
 *
 * @import { Item } from "./batch.js"
 */

/** Screens above and below the window that have tiles, too. */
const OVERSCAN = 1;

/** Height of a row until one is measured, in pixels. */
const ASSUMED_ROW = 320;

/** Columns and rows: `row` is the height of a row with its gap. @typedef {{ columns: number, row: number, gap: number }} Grid */

export class GalleryTiles {
    #list;
    #makeTile;
    /** @type {Item[]} */
    #items = [];
    /** The tiles in the page, and how to release what each holds. @type {Map<Item, { tile: HTMLLIElement, release: () => void }>} */
    #tiles = new Map();
    #row = 0;
    #frame = 0;
    /** The first and the last row, and the columns, of what was rendered last. */
    #rendered = "";

    /**
     * @param {HTMLElement} list
     * @param {(item: Item) => { tile: HTMLLIElement, release: () => void }} makeTile
     */
    constructor(list, makeTile) {
        this.#list = list;
        this.#makeTile = makeTile;
        window.addEventListener("scroll", () => this.#renderSoon(), { passive: true });
        new ResizeObserver(() => {
            this.#row = 0; // other columns, other heights
            this.#renderSoon();
        }).observe(list);
    }

    /** The posters on show, in their order. */
    get items() {
        return this.#items;
    }

    /** @param {Item[]} items  in their order */
    show(items) {
        this.#items = items;
        this.#rendered = "";
        this.#render();
    }

    /** Makes all tiles again: what they show has changed. */
    refresh() {
        this.#remove([...this.#tiles.keys()]);
        this.#row = 0;
        this.#rendered = "";
        this.#render();
    }

    /** Scrolls to a poster's tile and focuses it. Returns false if it is not on show. @param {Item} item */
    focus(item) {
        const index = this.#items.indexOf(item);
        if (index === -1) return false;
        this.#render();
        const { columns, row } = this.#grid();
        const top = this.#list.getBoundingClientRect().top + window.scrollY + Math.floor(index / columns) * row;
        if (top < window.scrollY || top + row > window.scrollY + window.innerHeight) window.scrollTo(0, top - (window.innerHeight - row) / 2);
        this.#render();
        this.#tiles.get(item)?.tile.querySelector("button")?.focus({ preventScroll: true });
        return true;
    }

    #renderSoon() {
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            this.#render();
        });
    }

    /** @returns {Grid} */
    #grid() {
        const style = getComputedStyle(this.#list);
        const gap = parseFloat(style.rowGap) || 0;
        const [first] = this.#tiles.values();
        if (!this.#row && first) this.#row = first.tile.offsetHeight;
        return { columns: style.gridTemplateColumns.split(" ").length, row: (this.#row || ASSUMED_ROW) + gap, gap };
    }

    #render() {
        // Hidden elements have no size.
        if (!this.#list.checkVisibility()) return;
        const isMeasured = this.#row > 0;
        const { columns, row, gap } = this.#grid();
        const rows = Math.ceil(this.#items.length / columns);
        const top = this.#list.getBoundingClientRect().top;
        const margin = OVERSCAN * window.innerHeight;
        const first = Math.min(Math.max(0, Math.floor((-top - margin) / row)), Math.max(0, rows - 1));
        const last = Math.min(rows, Math.max(first + 1, Math.ceil((window.innerHeight - top + margin) / row)));
        const rendered = `${first} ${last} ${columns} ${row}`;
        if (rendered === this.#rendered) return; // most scrolls stay within a row
        this.#rendered = rendered;
        const wanted = this.#items.slice(first * columns, last * columns);

        const isWanted = new Set(wanted);
        this.#remove([...this.#tiles.keys()].filter((item) => !isWanted.has(item)));
        this.#list.style.paddingTop = `${first * row}px`;
        this.#list.style.paddingBottom = `${Math.max(0, (rows - last) * row - (last < rows ? 0 : gap))}px`;
        wanted.forEach((item, index) => {
            const { tile } = this.#tile(item);
            const [place, size] = [String(first * columns + index + 1), String(this.#items.length)];
            if (tile.ariaPosInSet !== place) tile.ariaPosInSet = place;
            if (tile.ariaSetSize !== size) tile.ariaSetSize = size;
            // Only tiles that move are touched.
            const there = this.#list.children[index];
            if (there !== tile) this.#list.insertBefore(tile, there ?? null);
        });
        if (!isMeasured && wanted.length) {
            this.#grid();
            if (this.#row) this.#renderSoon();
        }
    }

    /** @param {Item} item */
    #tile(item) {
        const made = this.#tiles.get(item) ?? this.#makeTile(item);
        this.#tiles.set(item, made);
        return made;
    }

    /** @param {Item[]} items */
    #remove(items) {
        for (const item of items) {
            const made = this.#tiles.get(item);
            made?.tile.remove();
            made?.release();
            this.#tiles.delete(item);
        }
    }
}
