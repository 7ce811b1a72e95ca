/** "Dust and Saddle": western. One against the riders. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 31);
    const dust = noise(51);
    const next = random(4);
    p.fill(p.linear(0, 0, 0, 440, [[0, "#5e160e"], [0.25, "#b53c17"], [0.55, "#ee8a2b"], [0.85, "#ffd27c"], [1, "#ffe9b4"]]));
    p.mist([255, 190, 90], (x, y) => 0.6 * ramp(0.46, 0.72, dust(x / 150, y / 34)) * ramp(360, 120, y), "screen");
    p.mist([70, 14, 10], (x, y) => 0.75 * ramp(0.48, 0.74, dust(x / 170 + 6, y / 40 + 4)) * ramp(280, 20, y));
    p.fill("#fff3c4", "M80 250a120 120 0 1 0 240 0 120 120 0 1 0-240 0", { blur: 26, alpha: 0.75, blend: "screen" });
    p.fill(p.linear(0, 140, 0, 360, [[0, "#fffbe6"], [0.6, "#ffe08a"], [1, "#ffb347"]]), "M92 250a108 108 0 1 0 216 0 108 108 0 1 0-216 0");
    p.fill("#a5481f", "M-5 396V300l24-8 10-62h72l12 64 26 16 18 60v26ZM405 396V288l-22-8-8-70h-70l-10 76-28 14-12 60v36Z", { alpha: 0.92 });
    p.fill("#7c2f14", "M29 292l0-62h26l-8 150H-5v-60ZM340 210h20l12 180h-60Z", { alpha: 0.5 });
    p.fill(p.linear(0, 380, 0, 600, [[0, "#ffcb82"], [0.2, "#d0813c"], [0.6, "#85421d"], [1, "#331308"]]), "M-5 388H405V605H-5Z");
    // Riders come out of the dust.
    const rider = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ s, /** @type {number} */ flip) => {
        const shape = [[0, -64], [6, -62], [7, -56], [16, -54], [7, -52], [6, -46], [10, -42], [12, -28], [22, -26], [12, -22], [16, -10], [30, -14], [40, -34], [46, -40], [47, -34], [58, -20], [54, -14], [44, -20], [38, -4], [34, 4], [44, 12], [52, 24], [48, 26], [36, 16], [26, 10], [6, 12], [-14, 10], [-22, 18], [-36, 24], [-38, 20], [-26, 12], [-26, 2], [-36, 6], [-46, 14], [-34, -4], [-22, -10], [-10, -10], [-12, -26], [-10, -42], [-5, -46], [-6, -52], [-15, -53], [-7, -56], [-5, -62]];
        p.fill("#3a1408", `M${shape.map(([dx = 0, dy = 0]) => `${x + flip * dx * s} ${y + dy * s}`).join("L")}Z`, { alpha: 0.92 });
    };
    rider(66, 392, 0.9, 1);
    rider(118, 386, 0.62, 1);
    rider(338, 390, 0.88, -1);
    rider(286, 384, 0.6, -1);
    p.mist([255, 206, 130], (x, y) => 0.9 * ramp(0.38, 0.72, dust(x / 80 + 3, y / 40)) * ramp(360, 400, y) * ramp(470, 410, y), "screen");
    // The one who waits for them: hat, coat in the wind, a gun in each hand.
    const body = [
        "M200 128C216 128 224 138 226 154L254 160C262 162 262 168 252 170C236 174 222 175 218 176C220 190 214 202 206 206H194C186 202 180 190 182 176C178 175 164 174 148 170C138 168 138 162 146 160L174 154C176 138 184 128 200 128Z",
        "M188 204H212L240 214C252 220 258 230 260 244L274 320L282 350L268 356L258 326L244 272L246 330C266 372 290 420 318 470C296 474 268 468 250 456L236 400L228 356H204L200 372L196 356H172L164 400L150 452C126 464 92 462 70 450C110 418 140 372 154 330L156 272L142 326L132 356L118 350L126 320L140 244C142 230 148 220 160 214Z",
        "M170 350H198L194 430L184 520L186 538H146L150 524L162 510Z",
        "M202 350H230L238 510L250 524L254 538H214L216 520L206 430Z",
    ];
    for (const outline of body) p.fill("#ff9a3c", outline, { blur: 6, alpha: 0.5, blend: "screen" });
    for (const outline of body) p.fill(p.linear(130, 0, 270, 0, [[0, "#5a2812"], [0.2, "#2a0f07"], [0.55, "#160704"], [0.85, "#3a190c"], [1, "#7a3a18"]]), outline);
    p.fill(p.linear(0, 206, 0, 330, [[0, "#6e3a1c"], [1, "#32150a"]]), "M190 210L200 232L210 210L222 262L214 330H186L178 262Z");
    p.fill("#c0392b", "M184 200Q200 216 216 200L214 216L200 232L186 216Z");
    p.fill("#8a4f2c", "M184 178H216Q216 196 206 204H194Q184 196 184 178Z");
    p.fill("#1c0904", "M182 176H218V186Q200 192 182 186Z");
    p.fill("#3b1a0c", "M190 196Q200 191 210 196Q200 203 190 196Z");
    p.fill("#6b3a18", "M170 332Q200 342 230 332L231 346Q200 356 169 346Z");
    for (let shell = 0; shell < 11; shell++) p.fill("#ffcf73", `M${175 + shell * 5} ${337 + 3 * Math.sin((shell / 10) * Math.PI)}v8`, { line: 2.4 });
    p.fill("#f0c060", "M193 338h14v12h-14Z");
    p.fill("#ffe0a0", "M196 233h8v8l-4 4-4-4Z", { alpha: 0.9 });
    for (const side of [-1, 1]) {
        const x = (/** @type {number} */ offset) => 200 + side * offset;
        p.fill("#a8673f", `M${x(70)} 348L${x(84)} 352L${x(84)} 366L${x(74)} 370L${x(66)} 362Z`);
        p.fill("#20242a", `M${x(66)} 354L${x(80)} 358L${x(92)} 398L${x(84)} 402L${x(74)} 372L${x(68)} 374Z`);
        p.fill("#aeb6bd", `M${x(78)} 360L${x(90)} 397`, { line: 1.6 });
        p.fill("#ffb050", `M${x(54)} 172L${x(26)} 156M${x(41)} 215Q${x(58)} 224 ${x(61)} 244L${x(76)} 320M${x(50)} 340Q${x(80)} 420 ${x(116)} 466`, { line: 2.4, alpha: 0.9 });
        p.fill("#ffb050", `M${x(33)} 380L${x(37)} 510`, { line: 1.6, alpha: 0.7 });
        p.fill("#f6c466", `M${x(54)} 530l${side * 8} 2M${x(58)} 526v10`, { line: 1.6 });
    }
    p.fill("#ffc070", "M176 152Q178 132 200 130Q222 132 224 152", { line: 1.8, alpha: 0.8 });
    p.fill("#3a160a", "M176 150Q200 158 224 150L225 156Q200 164 175 156Z");
    p.brush([{ width: 8, every: 7, detail: 0 }, { width: 4, every: 4, detail: 38 }, { width: 1.6, every: 2, detail: 40 }, { width: 0.9, every: 1.5, detail: 64 }], 18);
    for (let ember = 0; ember < 160; ember++) {
        const [x, y] = [400 * next(), 60 + 440 * next()];
        p.fill(next() < 0.4 ? "#fff0b8" : "#ff8a2a", `M${x} ${y}l${1 + 3 * next()} ${-2 * next()}`, { line: 0.7 + 1.7 * next() ** 2, alpha: 0.3 + 0.7 * next(), blend: "screen" });
    }
    p.mist([255, 190, 110], (x, y) => 0.55 * ramp(0.48, 0.8, dust(x / 90 + 20, y / 40 + 11)) * ramp(400, 500, y) * ramp(590, 500, y), "screen");
    p.fill(p.radial(200, 260, 230, [[0, "rgb(255 190 90 / 0.32)"], [1, "rgb(255 120 30 / 0)"]]), undefined, { blend: "screen" });
    p.fill(p.linear(0, 430, 0, 600, [[0, "rgb(24 7 3 / 0)"], [0.5, "rgb(24 7 3 / 0.8)"], [1, "rgb(24 7 3 / 0.97)"]]));
    p.vignette(0.55, "24 6 2");
    p.letter("COLE HARGROVE     ELENA VARGAS     SAMUEL TWO RIVERS", { font: "bebas", size: 13, y: 34, style: "#ffdfae", track: 0.16 });
    p.letter("THE LAST MILE IS THE LONGEST", { font: "bebas", size: 13, y: 56, style: "#ffc27a", track: 0.3 });
    p.letter("DUST AND SADDLE", { font: "western", width: 364, y: 536, style: "#1a0603", blur: 5 });
    p.letter("DUST AND SADDLE", { font: "western", width: 364, y: 536, style: p.linear(0, 500, 0, 538, [[0, "#fff0c4"], [1, "#f0952f"]]) });
    p.credits(["Red Mesa Pictures presents   Cole Hargrove   Elena Vargas   Samuel Two Rivers", "music by Aldo Ferrante   edited by Kit Marlow   stunts Billy Crane", "written by J. D. Pruitt   directed by Wes Calloway"], { y: 556, style: "#d8a878" });
    p.grain(18);
    return p;
}
