/** The curve of a loss while it is learnt, as a drawing that grows. */

const WIDTH = 600;
const HEIGHT = 150;
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {HTMLElement} place
 * @param {[number, number][]} points  step and loss
 * @param {number} steps  in all
 */
export function drawCurve(place, points, steps) {
    const highest = Math.max(...points.map(([, loss]) => loss), 1e-6);
    const at = ([step, loss] = [0, 0]) => `${((step / steps) * WIDTH).toFixed(1)},${(HEIGHT - (loss / highest) * (HEIGHT - 8)).toFixed(1)}`;
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("role", "img");
    const last = points.at(-1)?.[1] ?? 0;
    drawing.setAttribute("aria-label", `The loss fell from ${points[0]?.[1].toFixed(3)} to ${last.toFixed(3)}`);
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.map(at).join(" "));
    drawing.append(line);
    const caption = document.createElement("figcaption");
    caption.textContent = `Loss, from ${highest.toFixed(2)} down to ${last.toFixed(2)}; the lower edge is 0`;
    place.replaceChildren(drawing, caption);
}
