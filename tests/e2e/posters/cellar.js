/** "The Cellar Door": horror. Stairs lead up to a door that somebody has opened. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 7);
    const stone = noise(5);
    const next = random(3);
    p.fill(p.radial(200, 235, 420, [[0, "#3a0d08"], [0.4, "#190706"], [1, "#040203"]]));
    // Rough walls, lit from the door.
    p.mist([190, 60, 30], (x, y) => 0.5 * ramp(0.45, 0.75, stone(x / 26, y / 17)) * ramp(330, 40, Math.hypot(x - 200, y - 240)));
    p.mist([0, 0, 0], (x, y) => 0.75 * ramp(0.5, 0.72, stone(x / 60 + 40, y / 40)) * ramp(20, 220, Math.hypot(x - 200, y - 240)));
    // The light behind the door.
    p.fill("#ff5a1e", "M140 110H260V350H140Z", { blur: 34, alpha: 0.85 });
    p.fill(p.linear(0, 110, 0, 350, [[0, "#ffd27a"], [0.35, "#ff8a2c"], [1, "#a81505"]]), "M152 118H250V346H152Z");
    p.mist([255, 240, 190], (x, y) => (x > 152 && x < 250 && y > 118 && y < 346 ? 0.75 * ramp(0.4, 0.75, stone(x / 34, y / 60)) * ramp(340, 150, y) : 0));
    // Frame and leaf, which stands ajar.
    p.fill("#120504", "M136 100H266V350H250V118H152V350H136Z");
    p.fill("#5c1a0c", "M150 118H153V346H150ZM249 118H252V346H249Z");
    p.fill(p.linear(84, 0, 152, 0, [[0, "#0b0303"], [1, "#2c0c07"]]), "M152 118L92 96V386L152 346Z");
    for (const x of [104, 118, 132]) p.fill("#050101", `M${x} ${118 - (152 - x) * 0.37}V${346 + (152 - x) * 0.66}`, { line: 1.5 });
    p.fill("#ffb35a", "M100 236a4 5 0 1 0 .1 0Z", { alpha: 0.6 });
    // The stairs widen towards us.
    for (let step = 0; step < 9; step++) {
        const near = (/** @type {number} */ index) => 346 + 5 * index + 3.1 * index * index;
        const [top, middle, bottom] = [near(step), near(step + 0.55), near(step + 1)];
        const half = (/** @type {number} */ y) => 50 + (y - 346) * 0.72;
        const light = Math.max(0, 1 - step / 9);
        p.fill(p.radial(200, top, 60 + step * 30, [[0, `rgb(${255 * light} ${96 * light} ${32 * light})`], [1, "#140404"]]),
            `M${200 - half(top)} ${top}H${200 + half(top)}L${200 + half(middle)} ${middle}H${200 - half(middle)}Z`);
        p.fill(p.radial(200, middle, 70 + step * 26, [[0, `rgb(${86 * light} ${20 * light} ${8 * light})`], [1, "#060202"]]),
            `M${200 - half(middle)} ${middle}H${200 + half(middle)}L${200 + half(bottom)} ${bottom}H${200 - half(bottom)}Z`);
        p.fill("#ffb070", `M${200 - half(top) + 4} ${top}H${200 + half(top) - 4}`, { line: 0.8, alpha: 0.55 * light });
    }
    // The figure in the doorway: too tall, with arms that are too long.
    const figure = "M201 138c9 0 15 8 14 19 0 7-3 13-7 16l1 7c12 2 21 7 24 18 4 18 6 44 8 70 1 10 3 17 3 22l5 14-6-8 1 17-5-15-1 18-4-17-3 14 0-20c-4-22-8-46-10-66-1 22 2 40 4 60 3 26 4 50 5 74h-17c-2-26-5-52-9-76-4 24-7 50-9 76h-17c1-24 2-48 5-74 2-20 5-38 4-60-2 20-6 44-10 66l0 20-3-14-4 17-1-18-5 15 1-17-6 8 5-14c0-5 2-12 3-22 2-26 4-52 8-70 3-11 12-16 24-18l1-7c-4-3-7-9-7-16-1-11 5-19 13-19Z";
    p.fill("#ff3b10", figure, { blur: 5, alpha: 0.5 });
    p.fill("#050102", figure);
    p.fill("#000000", "M186 348L150 560H262L216 348Z", { blur: 9, alpha: 0.8 });
    // Smoke and dust in the light.
    p.mist([255, 120, 50], (x, y) => 0.33 * ramp(0.5, 0.8, stone(x / 70 + 9, y / 34)) * ramp(260, 60, Math.hypot((x - 200) * 0.9, y - 330)), "screen");
    p.brush([{ width: 9, every: 7, detail: 0 }, { width: 4, every: 4, detail: 42 }, { width: 1.6, every: 2, detail: 48 }], 16);
    p.fill("#040101", figure, { alpha: 0.7 });
    for (let speck = 0; speck < 70; speck++) p.fill("#ffb070", `M${90 + 220 * next()} ${140 + 260 * next()}h.1`, { line: 0.5 + next() * 1.3, alpha: next() * 0.8 });
    p.fill(p.radial(200, 230, 210, [[0, "rgb(255 90 30 / 0.28)"], [1, "rgb(255 60 20 / 0)"]]), undefined, { blend: "screen" });
    p.vignette(0.9);
    p.fill(p.linear(0, 420, 0, 600, [[0, "rgb(0 0 0 / 0)"], [0.5, "rgb(3 1 1 / 0.8)"], [1, "rgb(3 1 1 / 0.96)"]]));
    p.letter("SOME DOORS WERE LOCKED FOR A REASON", { font: "cellar", width: 300, y: 52, style: "#d9a58c", track: 0.14 });
    p.letter("THE", { font: "cellar", size: 20, y: 440, style: "#e8d4c4", track: 0.5 });
    p.letter("CELLAR", { font: "cellar", width: 330, y: 500, style: "#ff2a12", blur: 6, alpha: 0.7 });
    p.letter("CELLAR", { font: "cellar", width: 330, y: 500, style: p.linear(0, 440, 0, 502, [[0, "#ff6b45"], [0.55, "#d51a0c"], [1, "#6a0603"]]) });
    p.letter("DOOR", { font: "cellar", width: 124, y: 534, style: "#e8d4c4", track: 0.4 });
    // Scratches through the title.
    for (let scratch = 0; scratch < 26; scratch++) {
        const [x, y] = [30 + 340 * next(), 440 + 70 * next()];
        p.fill("#060202", `M${x} ${y}l${-14 + 10 * next()} ${16 + 22 * next()}`, { line: 0.5 + next(), alpha: 0.8 });
    }
    p.credits(["Low Lamp Pictures presents   a film by Ada Quill   Mara Voss   Theo Lindqvist   Ines Okafor", "casting Jo Pell   music Viktor Hahn   edited by R. Sato   photographed by Lena Brandt", "written by Ada Quill and Tom Ferris   produced by Nora Diaz   directed by Ada Quill"], { y: 560, style: "#b98f80" });
    p.grain(20);
    return p;
}
