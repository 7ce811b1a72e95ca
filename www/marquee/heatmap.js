/**
 * Paints a genre's heatmap: orange to yellow where the poster is evidence for the genre, blue to cyan where it is evidence
 * against it.
 *
 * @import { GridAxis, Heatmap } from "./api.js"
 */

/** Size in pixels; the page stretches it over the poster. */
const SIZE = { width: 120, height: 180 };

/**
 * The two halves of the scale, in OKLCH. Lightness grows evenly with the strength, so that differences look as large as
 * they are and greys suffice to read them; the hues differ in blue and yellow, which nearly everybody can tell apart.
 */
const LIGHTNESS = [0.52, 0.93];
const CHROMA = [0.17, 0.1];
const FOR_HUE = [50, 95];
const AGAINST_HUE = [265, 205];

/** Opacity of the strongest evidence: the poster's shapes stay visible beneath it. */
const OPACITY = 0.85;

/** Steps of the scale on each side of zero. */
const STEPS = 256;

/** Red, green, blue and opacity in 0..=255, from the strongest evidence against to the strongest for. */
const SCALE = Array.from({ length: 2 * STEPS + 1 }, (_, index) => colour(index / STEPS - 1));

/**
 * Returns the largest absolute contribution in some heatmaps, in log-odds. Heatmaps that are compared share one scale.
 *
 * @param {Heatmap[]} heatmaps
 */
export function strongest(heatmaps) {
    return Math.max(...heatmaps.flatMap(({ values }) => Array.from(values, Math.abs)), 1e-6);
}

/**
 * Paints a heatmap, with bilinear interpolation between its places. It is most opaque where the evidence is strongest.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Heatmap} heatmap
 * @param {{ x: GridAxis, y: GridAxis }} axes
 * @param {number} full  contribution at the end of the scale, in log-odds
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
            image.data.set(scaled(value), 4 * (row * SIZE.width + column));
        });
    }
    context.putImageData(image, 0, 0);
}

/** Paints the scale from left to right. @param {HTMLCanvasElement} canvas */
export function paintLegend(canvas) {
    const context = canvas.getContext("2d");
    if (!context) return;
    const image = context.createImageData(canvas.width, canvas.height);
    for (let column = 0; column < canvas.width; column++) {
        for (let row = 0; row < canvas.height; row++) {
            image.data.set(scaled((2 * column) / (canvas.width - 1) - 1), 4 * (row * canvas.width + column));
        }
    }
    context.putImageData(image, 0, 0);
}

/** Looks a contribution up in the scale. @param {number} value  -1..=1; values beyond are clamped */
function scaled(value) {
    const place = Math.round((Math.min(Math.max(value, -1), 1) + 1) * STEPS);
    return /** @type {number[]} */ (SCALE[place]);
}

/** Computes a colour of the scale: red, green, blue and opacity in 0..=255. @param {number} value  -1..=1 */
function colour(value) {
    const strength = Math.abs(value);
    const between = (/** @type {number[]} */ [from = 0, to = 0]) => from + (to - from) * strength;
    const [lightness, chroma] = [between(LIGHTNESS), between(CHROMA)];
    const hue = (between(value > 0 ? FOR_HUE : AGAINST_HUE) * Math.PI) / 180;
    return [...oklabToRgb(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue)), Math.round(255 * OPACITY * strength ** 0.75)];
}

/**
 * Converts a colour from OKLab to sRGB (Ottosson 2020). Colours that screens cannot show are clamped.
 *
 * @param {number} lightness
 * @param {number} a
 * @param {number} b
 */
function oklabToRgb(lightness, a, b) {
    const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const linear = [
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
    ];
    return linear.map((value) => {
        const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
        return Math.round(255 * Math.min(Math.max(encoded, 0), 1));
    });
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
