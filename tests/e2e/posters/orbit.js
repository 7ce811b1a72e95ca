/** "Beyond the Ninth Orbit": science fiction. A ship arrives at a world that should not be there. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 19);
    const gas = noise(33);
    const next = random(12);
    p.fill(p.linear(0, 0, 400, 600, [[0, "#050a1c"], [0.5, "#0b1c3c"], [1, "#02040c"]]));
    p.mist([40, 120, 200], (x, y) => 0.7 * ramp(0.48, 0.78, gas(x / 130, y / 150)) * ramp(420, 120, Math.hypot(x - 290, y - 120)), "screen");
    p.mist([190, 60, 160], (x, y) => 0.5 * ramp(0.52, 0.8, gas(x / 90 + 9, y / 100 + 5)) * ramp(330, 60, Math.hypot(x - 90, y - 330)), "screen");
    for (let star = 0; star < 420; star++) p.fill(next() < 0.2 ? "#ffd9b0" : "#dcebff", `M${400 * next()} ${600 * next()}h.1`, { line: 0.4 + 1.5 * next() ** 4, alpha: 0.3 + 0.7 * next() });
    // The planet: a giant, lit from below right, with a ring.
    const [cx, cy, radius] = [200, 210, 150];
    const disc = `M${cx - radius} ${cy}a${radius} ${radius} 0 1 0 ${2 * radius} 0 ${radius} ${radius} 0 1 0 ${-2 * radius} 0`;
    p.fill("#5affd8", disc, { blur: 26, alpha: 0.6, blend: "screen" });
    p.fill(p.radial(cx + 80, cy + 70, 270, [[0, "#cffff0"], [0.18, "#4fe0c0"], [0.42, "#158a80"], [0.7, "#0a2d5c"], [1, "#030a1e"]]), disc);
    p.mist([255, 255, 255], (x, y) => (Math.hypot(x - cx, y - cy) < radius ? 0.5 * ramp(0.5, 0.72, gas(x / 210 + 0.35 * gas(x / 50, y / 30), y / 19 + 0.6 * gas(x / 60, y / 40))) * ramp(210, 40, Math.hypot(x - cx - 80, y - cy - 70)) : 0), "screen");
    p.mist([2, 6, 20], (x, y) => (Math.hypot(x - cx, y - cy) < radius ? 0.55 * ramp(0.5, 0.7, gas(x / 230 + 4, y / 26 + 4)) : 0));
    p.fill(p.radial(cx + 90, cy + 80, 290, [[0.45, "rgb(1 3 14 / 0)"], [1, "rgb(1 3 14 / 0.97)"]]), disc);
    p.fill("#d6f6ff", `M${cx + 20} ${cy + radius - 1}A${radius} ${radius} 0 0 0 ${cx + radius - 1} ${cy + 12}`, { line: 3, blur: 2.5, blend: "screen" });
    p.fill("#ffffff", `M${cx + 40} ${cy + radius - 6}A${radius} ${radius} 0 0 0 ${cx + radius - 4} ${cy + 34}`, { line: 1.6, blur: 1, blend: "screen" });
    // The ground of a moon: a ridge, and an explorer before it.
    p.fill(p.linear(0, 400, 0, 600, [[0, "#0f2e4e"], [0.3, "#06162b"], [1, "#01040a"]]), "M0 452L38 436 66 446 98 418 130 440 168 430 210 446 262 424 300 402 338 428 372 414 400 432V600H0Z");
    p.fill("#7fe0ff", "M262 424L300 402 338 428 372 414 400 432", { line: 1.2, alpha: 0.7 });
    p.fill("#7fe0ff", "M0 452L38 436 66 446 98 418 130 440", { line: 1, alpha: 0.45 });
    p.mist([80, 190, 255], (x, y) => 0.4 * ramp(500, 430, y) * ramp(380, 440, y) * ramp(0.3, 0.7, gas(x / 80, y / 16)), "screen");
    p.fill("#020610", "M0 498Q90 468 190 486T400 474V600H0Z");
    // The ship passes between the planet and the ridge, its engines burning.
    p.fill("#061022", "M96 330l96-24 38-4 66-22 14 3-26 14 40 4 8 5-44 8-60 18-46 16-62 5-36-4-4-12Z");
    p.fill(p.linear(0, 290, 0, 350, [[0, "#a8c9df"], [0.4, "#3c5a78"], [1, "#081426"]]), "M110 328l86-20 36-4 58-17 6 2-30 16 50 3-52 9-66 19-44 13-50 3-20-10Z");
    p.fill("#0a1a30", "M150 326l60-14 40-6-30 14-40 12Z");
    for (let light = 0; light < 12; light++) p.fill("#ffe7a8", `M${146 + light * 9} ${333 - light * 2.6}h2.5`, { line: 1.3 });
    p.fill(p.linear(110, 0, -20, 0, [[0, "#ffffff"], [0.15, "#b8fff0"], [0.5, "rgb(40 200 255 / 0.6)"], [1, "rgb(40 160 255 / 0)"]]), "M106 326L-20 372-30 382 104 344Z", { blur: 3, blend: "screen" });
    p.fill("#7ff0ff", "M88 336a16 14 0 1 0 32 0 16 14 0 1 0-32 0", { blur: 9, blend: "screen" });
    // The explorer.
    const suit = "M206 424c7 0 12 6 12 12 0 4-2 7-4 9 8 2 12 7 13 15l3 22-6 2-4-16-1 16 3 32h-13l-3-26-4 26h-13l3-32-1-16-4 16-6-2 3-22c1-8 5-13 13-15-2-2-4-5-4-9 0-6 6-12 13-12Z";
    p.fill("#55d0ff", suit, { blur: 4, alpha: 0.7, blend: "screen" });
    p.fill("#02060f", suit);
    p.fill("#9fe8ff", "M216 430q4 8-1 14M219 450q8 6 9 30M213 486l4 28", { line: 1.3, alpha: 0.9 });
    p.brush([{ width: 8, every: 7, detail: 0 }, { width: 4, every: 4, detail: 36 }, { width: 1.5, every: 2, detail: 38 }], 12);
    // The ring is thin and smooth: no brush.
    for (let ring = 0; ring < 34; ring++) {
        const [wide, high] = [178 + ring * 1.9, 20 + ring * 0.75];
        p.fill("#ffe3b4", `M${cx - wide} ${cy + 30}A${wide} ${high} -9 0 0 ${cx + wide} ${cy - 30}`, { line: 1.1, alpha: ring === 20 || ring === 21 ? 0.02 : 0.08 + 0.34 * next(), blend: "screen", blur: 0.3 });
    }
    p.fill("#ffffff", "M300 356h.1", { line: 3, blur: 2, blend: "screen" });
    p.fill(p.linear(60, 0, 360, 0, [[0, "rgb(120 220 255 / 0)"], [0.5, "rgb(190 240 255 / 0.8)"], [1, "rgb(120 220 255 / 0)"]]), "M40 354H400V355.500H40Z", { blur: 1.2, blend: "screen", alpha: 0.6 });
    for (let star = 0; star < 60; star++) p.fill("#ffffff", `M${400 * next()} ${140 * next()}h.1`, { line: 0.5 + next(), alpha: next() });
    p.fill(p.linear(0, 490, 0, 600, [[0, "rgb(1 3 10 / 0)"], [0.45, "rgb(1 3 10 / 0.85)"], [1, "rgb(1 3 10 / 1)"]]));
    p.vignette(0.6, "1 3 12");
    p.letter("THE MAP ENDS HERE. THE VOYAGE DOES NOT.", { font: "wide", width: 300, y: 34, style: "#bfe9ff", track: 0.12 });
    p.letter("BEYOND THE", { font: "wide", width: 150, y: 524, style: "#cfeeff", track: 0.4 });
    p.letter("NINTH ORBIT", { font: "wide", width: 350, y: 556, style: "#3affd0", blur: 6, alpha: 0.9, track: 0.06 });
    p.letter("NINTH ORBIT", { font: "wide", width: 350, y: 556, style: p.linear(0, 524, 0, 558, [[0, "#ffffff"], [0.5, "#c8fff0"], [0.52, "#48d8b8"], [1, "#e9f8ff"]]), track: 0.06 });
    p.credits(["Perihelion Studios presents   a Kenji Rao film   Amara Nwosu   Lucas Hale   Yuki Sorensen   Dev Malik", "score by Olafur Berg   effects Tin Moon   written by S. Petrov   directed by Kenji Rao"], { y: 577, style: "#86a8c0" });
    p.grain(14);
    return p;
}
