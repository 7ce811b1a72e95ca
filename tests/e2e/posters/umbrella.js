/** "Two Under One": romance. Two people, one umbrella, and a street full of lights. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 23);
    const air = noise(41);
    const next = random(6);
    /** Moves the brush closer to the two, and one of them closer to the other. */
    const near = (/** @type {number} */ towards) => {
        p.context.restore();
        p.context.save();
        p.context.translate(200, 322);
        p.context.scale(1.2, 1.2);
        p.context.translate(towards - 200, -330);
    };
    p.context.save();
    p.fill(p.linear(0, 0, 0, 600, [[0, "#7d5a78"], [0.3, "#d98d84"], [0.55, "#ffcf9c"], [0.75, "#e2988a"], [1, "#6a3350"]]));
    p.mist([255, 240, 214], (x, y) => 0.7 * ramp(0.45, 0.75, air(x / 120, y / 70)) * ramp(330, 40, Math.hypot(x - 200, y - 330)), "screen");
    // The lights of the street, far out of focus.
    for (let light = 0; light < 90; light++) {
        const size = 5 + 17 * next() ** 1.5;
        const [x, y] = [400 * next(), 60 + 470 * next()];
        const disc = `M${x - size} ${y}a${size} ${size} 0 1 0 ${2 * size} 0 ${size} ${size} 0 1 0 ${-2 * size} 0`;
        const colour = ["#ffd27a", "#ff9a86", "#fff0c8", "#ffb35e", "#f7808c"][light % 5] ?? "";
        p.fill(colour, disc, { alpha: 0.22 + 0.3 * next(), blur: 1.2, blend: "screen" });
        p.fill(colour, disc, { alpha: 0.35, line: 1, blend: "screen" });
    }
    p.fill(p.radial(200, 320, 150, [[0, "rgb(255 246 220 / 0.95)"], [1, "rgb(255 220 170 / 0)"]]), undefined, { blend: "screen" });

    const skin = (/** @type {number} */ x, /** @type {number} */ lit) => p.linear(x - 44 * lit, 0, x + 44 * lit, 0, [[0, "#a55f46"], [0.45, "#d99a76"], [1, "#ffd9b4"]]);
    // He, on the right, looks left.
    near(-11);
    p.fill(p.linear(210, 0, 400, 0, [[0, "#3c4c7c"], [0.3, "#26345f"], [1, "#121832"]]), "M256 402C300 392 372 410 405 452V605H196C204 540 214 470 232 420Z");
    p.fill("#1a2348", "M250 402L292 398 300 430 262 470 240 430Z");
    p.fill("#f2ece2", "M244 408L268 404 258 440Z");
    p.fill(p.linear(236, 0, 300, 0, [[0, "#d99a76"], [1, "#7c4534"]]), "M240 380C262 378 282 364 302 334L306 412Q280 432 246 412Z");
    p.fill("#6d3a2c", "M240 384C262 380 280 368 290 346L296 372Q270 398 242 398Z", { alpha: 0.6, blur: 4 });
    const him = "M226 272C224 286 222 296 222 306L218 320C214 328 209 334 207 338C206 342 209 344 213 344L212 350C210 353 210 355 213 357C211 360 212 364 215 366C214 374 217 384 228 386C244 388 262 380 272 366L296 330L290 268L250 252Z";
    p.fill(skin(240, -1), him);
    p.fill("#7a4534", "M216 362C226 360 232 366 244 358C258 348 264 330 266 316L280 330L272 366C262 380 244 388 228 386C217 384 214 374 216 362Z", { alpha: 0.5, blur: 3 });
    p.fill("#2c1a18", "M222 284C222 262 236 240 264 238C300 236 316 260 314 292C314 316 306 336 294 350L284 344C286 332 280 322 274 318L266 322L262 300C248 300 232 294 222 284Z");
    for (let lock = 0; lock < 26; lock++) p.fill(next() < 0.4 ? "#7a4c38" : "#160b0c", `M${228 + 40 * next()} ${250 + 30 * next()}q${20 + 14 * next()} ${-8 + 8 * next()} ${34 + 18 * next()} ${22 + 20 * next()}`, { line: 1.3, alpha: 0.6 });
    p.fill("#b87052", "M272 318q10-6 12 6t-10 18q-6-10-2-24Z");
    p.fill("#2c1712", "M224 308q10-8 20-1l-2 3q-8-4-17 0ZM226 318q8 5 16 0l0 2q-8 6-15 1Z");
    p.fill("#8a3f38", "M213 351q8-1 14 2-6 3-13 3Z");
    near(8);
    // She, on the left, looks up at him.
    p.fill(p.linear(0, 0, 214, 0, [[0, "#8c1d3a"], [0.55, "#c93450"], [1, "#f0767a"]]), "M146 424C100 416 30 436-5 480V605H206C208 548 200 482 176 432Z");
    p.fill("#f7d9c0", "M128 418Q150 440 178 428L186 446Q150 462 118 432Z");
    p.fill(p.linear(116, 0, 176, 0, [[0, "#9a573f"], [1, "#ffcfa8"]]), "M122 386H164L172 428Q146 444 118 424Z");
    const her = "M176 296C180 306 181 314 181 322L186 336C190 343 195 349 197 353C197 357 194 358 190 358L191 363C194 365 194 368 191 370C193 373 192 376 189 378C190 386 186 396 176 398C160 400 142 392 132 380L112 340L124 284L156 276Z";
    p.fill(skin(160, 1), her);
    p.fill("#ff9c86", "M160 352a13 8 0 1 0 26 0 13 8 0 1 0-26 0", { blur: 5, alpha: 0.5 });
    p.fill("#6e2f1c", "M178 300C176 274 154 258 128 262C92 266 76 300 80 340C84 380 66 410 58 452C80 474 116 466 130 440C142 418 138 396 134 380L138 352L146 336L150 318C162 318 172 310 178 300Z");
    for (let lock = 0; lock < 60; lock++) p.fill(next() < 0.5 ? "#c56c3c" : "#3f150d", `M${96 + 62 * next()} ${274 + 30 * next()}q${-26 + 16 * next()} ${50} ${-20 + 14 * next()} ${90 + 50 * next()}`, { line: 1.4, alpha: 0.55 });
    p.fill("#ffd9a0", "M172 286C160 272 140 268 124 272", { line: 2.5, alpha: 0.6, blur: 1 });
    p.fill("#a05a42", "M138 340q8-4 8 6t-9 14q-5-8 1-20Z");
    p.fill("#fff2d0", "M141 364h.1", { line: 4.5 });
    p.fill("#2c1210", "M158 326q10-7 20-1l-1 3q-9-4-18 0ZM160 338q9 6 17-1l1 2q-9 8-19 1ZM162 341l-3 4M168 343l-1 4M174 341l2 4");
    p.fill("#c92f45", "M191 364q-9-3-14 1 6 6 14 6 1-2-1-3 2-2 1-4Z");
    // Her hand on his coat.
    p.fill(p.linear(150, 0, 250, 0, [[0, "#a8243f"], [1, "#e05a66"]]), "M120 520C160 500 200 486 238 480L246 506C206 520 168 544 140 566Z");
    p.fill("#f3bd98", "M236 480C248 472 262 468 272 472C278 476 274 480 268 480C276 482 276 488 268 488C274 491 272 496 264 496C256 504 248 508 244 506Z");
    // The umbrella.
    near(0);
    p.fill("#3a2230", "M203 200L201 250", { line: 4 });
    p.fill(p.linear(20, 0, 390, 0, [[0, "#ff7468"], [0.35, "#e2303f"], [0.7, "#b3163a"], [1, "#6a0b2c"]]), "M14 240C20 128 104 66 202 62C300 66 384 128 390 240Q358 206 326 234Q298 204 264 230Q232 204 202 228Q172 204 140 230Q108 204 78 234Q46 206 14 240Z");
    p.fill("#700c28", "M202 62Q104 118 78 234M202 62Q154 130 140 230M202 62Q250 130 264 230M202 62Q300 118 326 234M202 62V228", { line: 2, alpha: 0.65 });
    p.fill("#ffc0a4", "M42 190Q84 100 184 74Q104 112 70 208Z", { alpha: 0.5, blur: 4 });
    p.fill("#3a2230", "M202 48V64", { line: 5 });
    p.context.restore();
    p.context.save();
    p.brush([{ width: 9, every: 7, detail: 0 }, { width: 4.5, every: 4, detail: 38 }, { width: 1.7, every: 2, detail: 40 }, { width: 0.9, every: 1.5, detail: 60 }], 14);
    near(8);
    p.fill("#fff0cc", "M181 322L186 336C190 343 195 349 197 353", { line: 2, alpha: 0.8, blend: "screen", blur: 0.8 });
    near(-11);
    p.fill("#fff0cc", "M226 274C224 290 222 300 222 306L218 320C214 328 209 334 207 338", { line: 2, alpha: 0.8, blend: "screen", blur: 0.8 });
    near(0);
    p.fill("#ffe6bc", "M14 240C20 128 104 66 202 62C300 66 384 128 390 240", { line: 2, alpha: 0.6, blend: "screen", blur: 0.8 });
    p.context.restore();
    p.fill(p.radial(202, 330, 120, [[0, "rgb(255 236 190 / 0.45)"], [1, "rgb(255 210 150 / 0)"]]), undefined, { blend: "screen" });
    for (let drop = 0; drop < 170; drop++) p.fill("#fff6e4", `M${420 * next()} ${520 * next()}l-2 ${8 + 12 * next()}`, { line: 0.6, alpha: 0.1 + 0.25 * next() });
    p.fill(p.linear(0, 440, 0, 600, [[0, "rgb(70 18 48 / 0)"], [0.5, "rgb(66 16 46 / 0.6)"], [1, "rgb(50 10 38 / 0.92)"]]));
    p.letter("CLARA BELLINI     NOAH ADEYEMI", { font: "bebas", size: 15, y: 34, style: "#fff4e0", track: 0.24 });
    p.letter("Two Under One", { font: "script", width: 350, y: 524, style: "#3c0c28", blur: 5 });
    p.letter("Two Under One", { font: "script", width: 350, y: 524, style: "#fffaf0" });
    p.letter("She forgot her umbrella. He forgot to go home.", { font: "italic", size: 13.5, y: 552, style: "#ffe9d6" });
    p.credits(["Rue Claire Films presents   a film by Elise Marchetti   Clara Bellini   Noah Adeyemi   Greta Lund", "music by Samuel Ortiz   costumes Anna Wei   produced by Hugo Stern   written and directed by Elise Marchetti"], { y: 574, style: "#efd0c8" });
    p.grain(12);
    return p;
}
