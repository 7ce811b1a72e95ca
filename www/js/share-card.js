/**
 * Draws an answer as a picture to share: the poster, the evidence for a genre, and the most probable genres. It is drawn on
 * this machine and is the same in light and dark. Where text runs from right to left, it is mirrored.
 *
 * @import { Explained, Prediction } from "./messages.js"
 */

import { paint, strongest } from "../marquee/heatmap.js";
import { make } from "./dom.js";
import { genreName } from "./genres.js";
import { isRightToLeft, percent, strings } from "./strings/index.js";

/** In pixels; what messengers and social networks show whole. */
const SIZE = { width: 1200, height: 630 };
const EDGE = 40;
const POSTER = { width: 340, height: 510, top: 60, radius: 14 };
const GENRES = { start: 820, width: 340, top: 104, step: 96, bar: 16 };

const COLOURS = { ground: "#16110f", glow: "#3a1a16", ink: "#f4e9dc", quiet: "#b9a698", track: "#35291f", bar: "#e0606f", bulb: "#f2b632" };
const FONT = "system-ui, sans-serif";

/**
 * @param {HTMLImageElement} poster  loaded
 * @param {Explained} result
 * @param {Prediction[]} genres  the ones to show
 * @param {string} mapped  the genre whose heatmap is drawn
 * @returns {HTMLCanvasElement}
 */
export function draw(poster, { heatmaps }, genres, mapped) {
    const canvas = make("canvas", SIZE);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.direction = isRightToLeft ? "rtl" : "ltr";
    const middle = fromStart(EDGE + POSTER.width);
    const glow = context.createRadialGradient(middle, SIZE.height / 2, 0, middle, SIZE.height / 2, 700);
    glow.addColorStop(0, COLOURS.glow);
    glow.addColorStop(1, COLOURS.ground);
    context.fillStyle = glow;
    context.fillRect(0, 0, SIZE.width, SIZE.height);

    const map = heatmaps?.genres.find(({ genre }) => genre === mapped);
    drawPoster(context, poster, EDGE);
    if (heatmaps && map) {
        const layer = make("canvas");
        paint(layer, map, heatmaps, strongest([map]));
        drawPoster(context, poster, EDGE + POSTER.width + 40, layer);
        write(context, strings.share.evidence(genreName(mapped)), { x: EDGE + POSTER.width + 40 + POSTER.width / 2, y: 600, size: 20, colour: COLOURS.quiet, align: "center", width: POSTER.width });
    }
    genres.forEach(({ genre, probability }, index) => {
        const y = GENRES.top + index * GENRES.step;
        write(context, percent(probability), { x: GENRES.start + GENRES.width, y, size: 30, colour: COLOURS.ink, align: "end", width: 110 });
        write(context, genreName(genre), { x: GENRES.start, y, size: 38, colour: COLOURS.ink, weight: 700, width: GENRES.width - 110 });
        bar(context, y + 18, 1, COLOURS.track);
        bar(context, y + 18, probability, COLOURS.bar);
    });
    write(context, "Marquee", { x: GENRES.start, y: 570, size: 30, colour: COLOURS.bulb, weight: 700, width: GENRES.width });
    write(context, strings.share.byline, { x: GENRES.start, y: 600, size: 20, colour: COLOURS.quiet, width: GENRES.width });
    return canvas;
}

/**
 * Returns the x coordinate of something at a distance from the edge where lines of text start.
 *
 * @param {number} distance
 * @param {number} [width]  of that thing
 */
function fromStart(distance, width = 0) {
    return isRightToLeft ? SIZE.width - distance - width : distance;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLImageElement} poster
 * @param {number} start  distance from the edge where lines start
 * @param {HTMLCanvasElement} [map]  drawn over it
 */
function drawPoster(context, poster, start, map) {
    // The whole poster, as large as fits.
    const scale = Math.min(POSTER.width / poster.naturalWidth, POSTER.height / poster.naturalHeight);
    const [width, height] = [poster.naturalWidth * scale, poster.naturalHeight * scale];
    const [x, y] = [fromStart(start, POSTER.width) + (POSTER.width - width) / 2, POSTER.top + (POSTER.height - height) / 2];
    context.save();
    context.beginPath();
    context.roundRect(x, y, width, height, POSTER.radius);
    context.clip();
    context.fillStyle = "#ffffff"; // beneath transparent pixels, as the model sees them
    context.fillRect(x, y, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(poster, x, y, width, height);
    if (map) {
        // As on the page: almost grey and dark beneath a heatmap. Not every browser has filters on canvases.
        context.globalCompositeOperation = "saturation";
        context.fillStyle = "rgb(128 128 128 / 0.9)";
        context.fillRect(x, y, width, height);
        context.globalCompositeOperation = "source-over";
        context.fillStyle = "rgb(0 0 0 / 0.5)";
        context.fillRect(x, y, width, height);
        context.globalAlpha = 0.8;
        context.drawImage(map, x, y, width, height);
    }
    context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} top
 * @param {number} share
 * @param {string} colour
 */
function bar(context, top, share, colour) {
    context.fillStyle = colour;
    context.beginPath();
    const width = Math.max(GENRES.bar, GENRES.width * share);
    context.roundRect(fromStart(GENRES.start, width), top, width, GENRES.bar, GENRES.bar / 2);
    context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {{ x: number, y: number, size: number, colour: string, weight?: number, align?: CanvasTextAlign, width: number }} how
 */
function write(context, text, { x, y, size, colour, weight = 400, align = "start", width }) {
    context.fillStyle = colour;
    context.font = `${weight} ${size}px ${FONT}`;
    context.textAlign = align;
    context.fillText(text, fromStart(x), y, width);
}
