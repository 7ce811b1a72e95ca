/** The loss over the steps of a training, on the training posters and on held-out ones, as an SVG with axes. */

import { number, strings } from "../strings/index.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
/** Room for the numbers of the axes. */
const MARGIN = { top: 14, right: 14, bottom: 42, left: 48 };
/** About this many numbers on an axis. */
const TICKS = 4;

/**
 * @typedef {[number, number]} Point  step and loss
 *
 * @typedef {object} Curve
 * @property {Point[]} training
 * @property {Point[]} heldOut  of the same loss on posters that the model was not trained on
 * @property {number} guessing  that loss of predicting each genre's frequency; NaN if unknown
 * @property {number} steps  in total
 */

/**
 * @param {HTMLElement} figure  its content is replaced
 * @param {Curve} curve
 */
export function drawLossCurve(figure, { training, heldOut, guessing, steps }) {
    const width = Math.max(figure.clientWidth, 260);
    const values = [...training, ...heldOut].map(([, loss]) => loss).concat(Number.isFinite(guessing) ? guessing : 0);
    const losses = ticks(Math.max(...values, 1e-3));
    const highest = losses.at(-1) ?? 1;
    const x = (/** @type {number} */ step) => MARGIN.left + (step / steps) * (width - MARGIN.left - MARGIN.right);
    const y = (/** @type {number} */ loss) => HEIGHT - MARGIN.bottom - (loss / highest) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const line = (/** @type {string} */ name, /** @type {Point[]} */ points) =>
        shape("polyline", { class: name, points: points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ") });

    const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": strings.training.curve(summary(training), summary(heldOut)) });
    for (const loss of losses) {
        svg.append(shape("line", { class: "grid", x1: x(0), x2: x(steps), y1: y(loss), y2: y(loss) }));
        svg.append(text(number(loss, digits(highest)), { x: MARGIN.left - 6, y: y(loss) + 4, "text-anchor": "end" }));
    }
    for (const step of ticks(steps).filter((step) => step <= steps && Number.isInteger(step))) {
        svg.append(text(number(step), { x: x(step), y: HEIGHT - MARGIN.bottom + 18, "text-anchor": "middle" }));
    }
    svg.append(text(strings.training.axisSteps, { x: (x(0) + x(steps)) / 2, y: HEIGHT - 6, "text-anchor": "middle" }));
    svg.append(text(strings.training.axisLoss, { x: -(HEIGHT - MARGIN.bottom) / 2, y: 12, "text-anchor": "middle", transform: "rotate(-90)" }));
    if (Number.isFinite(guessing)) svg.append(line("guessed", [[0, guessing], [steps, guessing]]));
    svg.append(line("trained", training), line("held-out", heldOut));
    for (const [step, loss] of heldOut) svg.append(shape("circle", { class: "held-out", cx: x(step), cy: y(loss), r: 3 }));
    figure.replaceChildren(svg, legend(Number.isFinite(guessing)));
}

/** @param {boolean} hasGuessing */
function legend(hasGuessing) {
    const caption = document.createElement("figcaption");
    const entry = (/** @type {string} */ name, /** @type {string} */ label) => {
        const key = shape("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" });
        key.append(shape("polyline", { class: name, points: "0,4 24,4" }));
        const span = document.createElement("span");
        span.append(key, label);
        caption.append(span);
    };
    entry("trained", strings.training.lossTraining);
    entry("held-out", strings.training.lossHeldOut);
    if (hasGuessing) entry("guessed", strings.training.lossGuessing);
    return caption;
}

/** Returns round numbers from 0 to at least `highest`. @param {number} highest */
function ticks(highest) {
    const rough = highest / TICKS;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
    return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, index) => index * step);
}

/** Returns the decimals that tell the numbers of an axis apart. @param {number} highest */
function digits(highest) {
    return Math.max(0, 1 - Math.floor(Math.log10(highest)));
}

/** Returns the first and last loss. @param {Point[]} points */
function summary(points) {
    return { first: points[0]?.[1], last: points.at(-1)?.[1] };
}

/**
 * @param {string} label
 * @param {Record<string, string | number>} attributes
 */
function text(label, attributes) {
    const created = shape("text", attributes);
    created.textContent = label;
    return created;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function shape(tag, attributes) {
    const created = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, String(value));
    return created;
}
