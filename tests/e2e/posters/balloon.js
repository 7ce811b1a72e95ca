/** "Pip and the Big Balloon": animation for families. A fox cub flies. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 43);
    const cloud = noise(61);
    const next = random(5);
    p.fill(p.linear(0, 0, 0, 600, [[0, "#1273d6"], [0.45, "#4fb8f5"], [0.75, "#bdeaff"], [1, "#fff3cf"]]));
    p.fill(p.radial(330, 90, 220, [[0, "rgb(255 250 210 / 0.95)"], [0.2, "rgb(255 238 160 / 0.6)"], [1, "rgb(255 230 140 / 0)"]]));
    for (let ray = 0; ray < 12; ray++) {
        const angle = 1.4 + ray * 0.23;
        p.fill("#fffbe0", `M330 90L${330 + 700 * Math.cos(angle)} ${90 + 700 * Math.sin(angle)}L${330 + 700 * Math.cos(angle + 0.09)} ${90 + 700 * Math.sin(angle + 0.09)}Z`, { alpha: 0.12, blur: 4 });
    }
    const puff = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ size) => {
        const lumps = [[-1.3, 0.1, 0.6], [-0.6, -0.25, 0.8], [0.2, -0.42, 1], [0.95, -0.1, 0.75], [1.5, 0.15, 0.5]];
        for (const [dx = 0, dy = 0, radius = 0] of lumps) {
            const [cx, cy, r] = [x + dx * size, y + dy * size, radius * size];
            p.fill(p.radial(cx + r * 0.3, cy - r * 0.4, r * 1.5, [[0, "#ffffff"], [0.6, "#f0f8ff"], [1, "#b9dcf5"]]), `M${cx - r} ${cy}a${r} ${r} 0 1 0 ${2 * r} 0 ${r} ${r} 0 1 0 ${-2 * r} 0`, { blur: 1.5 });
        }
    };
    puff(60, 150, 30);
    puff(352, 236, 26);
    puff(40, 330, 22);
    // Hills and a village far below.
    p.fill(p.linear(0, 440, 0, 600, [[0, "#8fd6a8"], [1, "#4cae6c"]]), "M-5 486Q70 430 160 474T330 456T405 470V605H-5Z");
    p.fill(p.linear(0, 470, 0, 600, [[0, "#6fcf4f"], [1, "#2d8f3c"]]), "M-5 530Q90 468 190 516T405 500V605H-5Z");
    p.mist([255, 255, 190], (x, y) => 0.4 * ramp(0.5, 0.75, cloud(x / 50, y / 14)) * ramp(480, 540, y));
    for (let house = 0; house < 7; house++) {
        const [x, y] = [[44, 500], [70, 492], [318, 490], [344, 494], [368, 488], [296, 497], [96, 499]][house] ?? [0, 0];
        p.fill("#fff6e2", `M${x} ${y}h16v14h-16Z`);
        p.fill(["#e8503a", "#f08a2c", "#c8402f"][house % 3] ?? "", `M${(x ?? 0) - 3} ${y}h22l-11-10Z`);
    }
    for (let tree = 0; tree < 34; tree++) {
        const [x, y, r] = [400 * next(), 520 + 60 * next(), 5 + 7 * next()];
        p.fill(p.radial(x + r * 0.3, y - r * 0.5, r * 1.6, [[0, "#b6ee6a"], [1, "#2a8a3a"]]), `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0 ${r} ${r} 0 1 0 ${-2 * r} 0`);
    }
    // The balloon: gores in bright colours, shaded like a ball.
    const [cx, cy, wide, high] = [200, 196, 132, 150];
    const colours = ["#ff4b3e", "#ffb52e", "#ffe34d", "#45c963", "#2aa7ee", "#8a5be0", "#ff5fa2", "#ff4b3e"];
    const edge = (/** @type {number} */ t) => cx + wide * Math.sin((t - 0.5) * Math.PI);
    const outline = `M${cx - wide} ${cy - 12}C${cx - wide} ${cy - high} ${cx + wide} ${cy - high} ${cx + wide} ${cy - 12}C${cx + wide} ${cy + 70} ${cx + 40} ${cy + 110} ${cx + 26} ${cy + high}H${cx - 26}C${cx - 40} ${cy + 110} ${cx - wide} ${cy + 70} ${cx - wide} ${cy - 12}Z`;
    for (const [index, colour] of colours.entries()) {
        const [from, to] = [edge(index / 8), edge((index + 1) / 8)];
        const side = (/** @type {number} */ x) => `C${cx + (x - cx) * 1.02} ${cy + 74} ${cx + (x - cx) * 0.34} ${cy + 108} ${cx + (x - cx) * 0.2} ${cy + high}`;
        const over = (/** @type {number} */ x) => `C${x} ${cy - 80} ${cx + (x - cx) * 0.6} ${cy - high + 34} ${cx} ${cy - high + 24}`;
        p.fill(colour, `M${from} ${cy - 12}${over(from)}L${cx} ${cy - high + 24}C${cx + (to - cx) * 0.6} ${cy - high + 34} ${to} ${cy - 80} ${to} ${cy - 12}${side(to)}H${cx + (from - cx) * 0.2}C${cx + (from - cx) * 0.34} ${cy + 108} ${cx + (from - cx) * 1.02} ${cy + 74} ${from} ${cy - 12}Z`, { clip: outline });
    }
    p.fill(p.radial(cx + 52, cy - 70, 240, [[0, "rgb(255 255 255 / 0.75)"], [0.25, "rgb(255 255 255 / 0.1)"], [0.6, "rgb(40 10 80 / 0.12)"], [1, "rgb(40 0 80 / 0.6)"]]), outline);
    p.fill("#ffffff", `M${cx + 62} ${cy - 92}q34 22 42 66q-4 8-12 2q-10-34-38-56q-2-10 8-12Z`, { alpha: 0.6, blur: 3 });
    p.fill("#ffffff", `M${cx - wide + 4} ${cy + 4}Q${cx} ${cy + 66} ${cx + wide - 4} ${cy + 4}`, { line: 9, alpha: 0.85, clip: outline });
    p.fill("#e83e5b", `M${cx - wide + 4} ${cy + 4}Q${cx} ${cy + 66} ${cx + wide - 4} ${cy + 4}`, { line: 3, clip: outline });
    p.fill("#8a4a1e", "M176 344L160 396M224 344L240 396M190 346L186 396M210 346L214 396", { line: 1.8 });
    // Pip: head, ears, big eyes; the basket hides the rest.
    const ball = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ rx, /** @type {number} */ ry, /** @type {string | CanvasGradient} */ style) =>
        p.fill(style, `M${x - rx} ${y}a${rx} ${ry} 0 1 0 ${2 * rx} 0 ${rx} ${ry} 0 1 0 ${-2 * rx} 0`);
    const fur = p.radial(212, 356, 70, [[0, "#ffb45c"], [0.5, "#f5832b"], [1, "#c24f12"]]);
    p.fill(fur, "M164 372Q150 330 158 312Q176 322 190 346ZM236 372Q250 330 242 312Q224 322 210 346Z");
    p.fill("#5a2410", "M166 350Q158 330 160 320Q170 326 178 340ZM234 350Q242 330 240 320Q230 326 222 340Z");
    p.fill(fur, "M200 340c28 0 46 16 46 38 0 8 8 14 12 18-16 4-24 16-58 16s-42-12-58-16c4-4 12-10 12-18 0-22 18-38 46-38Z");
    p.fill("#fff6e8", "M200 384c10-10 26-16 40-10-2 22-16 36-40 36s-38-14-40-36c14-6 30 0 40 10Z");
    const eyes = () => {
        for (const x of [180, 220]) {
            ball(x, 374, 12, 14, "#ffffff");
            ball(x + 1.5, 376, 8.5, 10.5, p.radial(x, 380, 12, [[0, "#7a4a1c"], [1, "#2a1206"]]));
            ball(x + 1.5, 376, 5, 6.5, "#120603");
            ball(x + 4.5, 371, 3.4, 3.8, "#ffffff");
            ball(x - 1.5, 381, 1.6, 1.6, "#ffffff");
        }
    };
    eyes();
    p.fill("#a8480f", "M168 356q10-8 20-2M212 354q10-6 20 2", { line: 3 });
    ball(200, 391, 6, 4.2, "#2a1206");
    ball(201.5, 389.5, 2, 1.2, "#ffffff");
    p.fill("#7a2310", "M184 398Q200 418 216 398Q200 404 184 398Z");
    p.fill("#ff7f8a", "M192 405Q200 412 208 405Q200 402 192 405Z");
    p.fill("#ff8f6a", "M158 392a7 5 0 1 0 14 0 7 5 0 1 0-14 0M228 392a7 5 0 1 0 14 0 7 5 0 1 0-14 0", { alpha: 0.55, blur: 2 });
    // A paw waves.
    p.fill(fur, "M246 410Q266 396 270 366Q282 362 286 374Q284 408 256 424Z");
    ball(278, 366, 11, 11, fur);
    p.fill("#7a2f0c", "M272 360q2-4 5-4M278 357q3-2 6 1", { line: 1.8 });
    // The basket.
    p.fill(p.linear(146, 0, 254, 0, [[0, "#e3a24f"], [0.5, "#c27a30"], [1, "#7c4217"]]), "M148 402H252L242 462Q200 474 158 462Z");
    for (let row = 0; row < 7; row++) p.fill(row % 2 ? "#8a4c1c" : "#f2c07a", `M${150 + row * 1.4} ${410 + row * 8}q12.5 6 25 0t25 0 25 0 25 0`, { line: 2, alpha: 0.6, clip: "M148 402H252L242 462Q200 474 158 462Z" });
    p.fill(p.linear(140, 0, 260, 0, [[0, "#f5c27a"], [1, "#93511f"]]), "M144 398Q200 412 256 398V408Q200 422 144 408Z");
    ball(172, 404, 9, 7, fur);
    // Birds, and confetti of petals.
    for (const [x = 0, y = 0, s = 1] of [[70, 230, 1], [92, 214, 0.7], [330, 330, 0.9]]) p.fill("#ffffff", `M${x} ${y}q${8 * s} ${-9 * s} ${12 * s} ${-1 * s}q${6 * s} ${-8 * s} ${13 * s} ${1 * s}`, { line: 2.4 * s });
    p.brush([{ width: 3, every: 3, detail: 0 }, { width: 1.4, every: 1.6, detail: 26 }], 4);
    eyes(); // again, because the brush has blurred them
    const title = p.linear(0, 480, 0, 560, [[0, "#fffbd0"], [0.5, "#ffd21f"], [1, "#ff8a00"]]);
    for (const [text, width, y] of /** @type {[string, number, number][]} */ ([["PIP", 150, 520], ["and the Big Balloon", 350, 558]])) {
        p.letter(text, { font: "round", width, y: y + 4, style: "#0c3f86", line: 9, alpha: 0.9 });
        p.letter(text, { font: "round", width, y, style: "#7a1fa0", line: 8 });
        p.letter(text, { font: "round", width, y, style: "#ffffff", line: 4 });
        p.letter(text, { font: "round", width, y, style: text === "PIP" ? title : p.linear(0, 530, 0, 560, [[0, "#fff7c0"], [1, "#ffa51e"]]) });
    }
    p.fill(p.linear(0, 556, 0, 600, [[0, "rgb(8 50 40 / 0)"], [1, "rgb(8 50 40 / 0.8)"]]));
    p.letter("UP IS JUST THE BEGINNING", { font: "bebas", size: 17, y: 30, style: "#ffffff", track: 0.2 });
    p.credits(["Little Kite Animation presents   with the voices of Milo Grant   Asha Rani   Bert Holm   Zuri Cole", "music by Fay Winters   story by Kim and Lou Parker   directed by Oona Beck"], { y: 578, style: "#eafff0" });
    p.grain(5);
    return p;
}
