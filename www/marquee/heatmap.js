/**
 * Paints a genre's heatmap: orange where the poster is evidence for the genre, blue where it is evidence against it.
 *
 * @import { GridAxis, Heatmap } from "./api.js"
 */

/** Size in pixels; the page stretches it over the poster. */
const SIZE = { width: 120, height: 180 };

const FOR = [242, 140, 40];
const AGAINST = [63, 127, 208];

/**
 * Returns the largest absolute contribution in some heatmaps, in log-odds. Heatmaps that are compared share one scale.
 *
 * @param {Heatmap[]} heatmaps
 */
export function strongest(heatmaps) {
    return Math.max(...heatmaps.flatMap(({ values }) => Array.from(values, Math.abs)), 1e-6);
}

/**
 * Paints a heatmap, with bilinear interpolation between its places. Opacity shows the strength.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Heatmap} heatmap
 * @param {{ x: GridAxis, y: GridAxis }} axes
 * @param {number} full  contribution that is painted opaque, in log-odds
 */
export function paint(canvas, heatmap, { x, y }, full) {
    canvas.width = SIZE.width;
    canvas.height = SIZE.height;
    const context = canvas.getContext("2d");
    if (!context) return;
    const image = context.createImageData(SIZE.width, SIZE.height);
    const columns = Array.from({ length: SIZE.width }, (_, column) => neighbours(x, (column + 0.5) / SIZE.width));
    const at = (/** @type {number} */ row, /** @type {number} */ column) => heatmap.values[row * x.count + column] ?? 0;
    for (let row = 0; row < SIZE.height; row++) {
        const [top, bottom, down] = neighbours(y, (row + 0.5) / SIZE.height);
        columns.forEach(([left, right, across], column) => {
            const upper = at(top, left) * (1 - across) + at(top, right) * across;
            const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
            const value = (upper * (1 - down) + lower * down) / full;
            const colour = value > 0 ? FOR : AGAINST;
            image.data.set([...colour, 255 * Math.min(Math.abs(value), 1)], 4 * (row * SIZE.width + column));
        });
    }
    context.putImageData(image, 0, 0);
}

/**
 * Returns the places before and after a point, and its position between them in 0..=1. A point outside the grid gets the
 * outermost place.
 *
 * @param {GridAxis} axis
 * @param {number} point  share of the poster's side, 0..=1
 * @returns {[number, number, number]}
 */
function neighbours({ count, first, step }, point) {
    const place = Math.min(Math.max((point - first) / step, 0), count - 1);
    const before = Math.floor(place);
    return [before, Math.min(before + 1, count - 1), place - before];
}
