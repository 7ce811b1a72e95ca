/**
 * Paints where a genre was seen over a poster: orange for what speaks for it, blue for what speaks against it.
 *
 * @import { Explanation, Heatmap, Places } from "./messages.js"
 */

/** Pixels of the painting; it is stretched over the picture. */
const SIZE = { width: 120, height: 180 };

const FOR = [242, 140, 40];
const AGAINST = [63, 127, 208];

/**
 * The strongest contribution in some maps: full colour. Maps that are compared share it.
 *
 * @param {Heatmap[]} maps
 */
export function strongest(maps) {
    return Math.max(...maps.flatMap(({ values }) => values.map(Math.abs)), 1e-6);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Heatmap} map
 * @param {Omit<Explanation["heatmaps"], "genres">} places
 * @param {number} full  contribution with full colour, in log-odds
 */
export function paint(canvas, map, { x, y }, full) {
    canvas.width = SIZE.width;
    canvas.height = SIZE.height;
    const context = canvas.getContext("2d");
    if (!context) return;
    const picture = context.createImageData(SIZE.width, SIZE.height);
    const columns = Array.from({ length: SIZE.width }, (_, column) => between(x, (column + 0.5) / SIZE.width));
    for (let row = 0; row < SIZE.height; row++) {
        const [top, bottom, down] = between(y, (row + 0.5) / SIZE.height);
        columns.forEach(([left, right, across], column) => {
            const at = (/** @type {number} */ line, /** @type {number} */ place) => map.values[line * x.count + place] ?? 0;
            const upper = at(top, left) * (1 - across) + at(top, right) * across;
            const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
            const value = (upper * (1 - down) + lower * down) / full;
            const colour = value > 0 ? FOR : AGAINST;
            picture.data.set([...colour, 255 * Math.min(Math.abs(value), 1)], 4 * (row * SIZE.width + column));
        });
    }
    context.putImageData(picture, 0, 0);
}

/**
 * The two places between whose middles a point lies, and how far it is from the first to the second, 0..1.
 *
 * @param {Places} places
 * @param {number} point  share of the side
 * @returns {[number, number, number]}
 */
function between({ count, first, step }, point) {
    const place = Math.min(Math.max((point - first) / step, 0), count - 1);
    const before = Math.floor(place);
    return [before, Math.min(before + 1, count - 1), place - before];
}
