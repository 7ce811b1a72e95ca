/** The training loss over the steps, as an SVG. */

import { strings } from "../strings/index.js";

const WIDTH = 600;
const HEIGHT = 150;
/** Free space above the curve. */
const MARGIN = 8;
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {HTMLElement} figure  its content is replaced
 * @param {[number, number][]} points  step and loss
 * @param {number} steps  in total
 */
export function drawLossCurve(figure, points, steps) {
    const highest = Math.max(...points.map(([, loss]) => loss), 1e-6);
    const first = points[0]?.[1] ?? 0;
    const last = points.at(-1)?.[1] ?? 0;
    const x = (/** @type {number} */ step) => ((step / steps) * WIDTH).toFixed(1);
    const y = (/** @type {number} */ loss) => (HEIGHT - (loss / highest) * (HEIGHT - MARGIN)).toFixed(1);

    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", strings.training.curve(first, last));
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.map(([step, loss]) => `${x(step)},${y(loss)}`).join(" "));
    svg.append(line);
    const caption = document.createElement("figcaption");
    caption.textContent = strings.training.curveCaption(highest, last);
    figure.replaceChildren(svg, caption);
}
