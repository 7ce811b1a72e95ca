/** "The Last Keeper": drama. A keeper's lamp against the storm. CC0 1.0. */

import { Painting, noise, ramp, random } from "./paint.js";

/** @param {Record<string, import("./paint.js").Font>} letters */
export function paint(letters) {
    const p = new Painting(letters, 11);
    const cloud = noise(21);
    const next = random(8);
    p.fill(p.linear(0, 0, 0, 430, [[0, "#0d1c2b"], [0.35, "#27465a"], [0.7, "#7f9a9a"], [0.88, "#d9b98a"], [1, "#e9a765"]]));
    p.mist([9, 20, 32], (x, y) => 0.85 * ramp(0.42, 0.66, cloud(x / 150 + y / 400, y / 60)) * ramp(420, 150, y));
    p.mist([240, 214, 170], (x, y) => 0.75 * ramp(0.52, 0.75, cloud(x / 130 + 7, y / 42 + 3)) * ramp(120, 330, y) * ramp(440, 330, y));
    p.mist([28, 45, 58], (x, y) => 0.8 * ramp(0.5, 0.7, cloud(x / 90 + 31, y / 34 + 9)) * ramp(400, 60, y));
    // The beam turns through the clouds.
    const [lampX, lampY] = [272, 196];
    p.fill(p.linear(lampX, 0, -60, 0, [[0, "rgb(255 236 180 / 0.95)"], [0.5, "rgb(255 226 160 / 0.4)"], [1, "rgb(255 220 150 / 0)"]]), `M${lampX} ${lampY - 3}L-40 60V178L${lampX} ${lampY + 4}Z`, { blur: 5, blend: "screen" });
    p.fill(p.linear(lampX, 0, 460, 0, [[0, "rgb(255 236 180 / 0.8)"], [1, "rgb(255 226 160 / 0)"]]), `M${lampX} ${lampY - 2}L420 206V256L${lampX} ${lampY + 3}Z`, { blur: 5, blend: "screen" });
    // The sea.
    p.fill(p.linear(0, 400, 0, 600, [[0, "#8d9480"], [0.12, "#35535a"], [0.5, "#12303c"], [1, "#06141d"]]), "M0 404H400V600H0Z");
    for (let wave = 0; wave < 130; wave++) {
        const depth = next() ** 1.6;
        const [x, y, wide] = [400 * next() - 20, 408 + 190 * depth, 14 + 70 * depth];
        p.fill(next() < 0.45 ? "#d5dccb" : next() < 0.5 ? "#0a212c" : "#3f6870", `M${x} ${y}q${wide / 4} ${-5 - 9 * depth} ${wide / 2} 0t${wide / 2} 0q${-wide / 2} ${6 + 5 * depth} ${-wide} 0Z`, { alpha: 0.35 + 0.4 * next() });
    }
    // The rock and the tower.
    p.fill(p.linear(160, 300, 380, 520, [[0, "#3c3a36"], [0.4, "#211f20"], [1, "#0c0d11"]]), "M118 470q8-30 30-34l22-26 18-4 12-24 26-10 20-8 60 2 20 20 22 12 16 36 30 12 14 34-6 30H120Z");
    for (let crack = 0; crack < 46; crack++) p.fill(next() < 0.4 ? "#8a7a62" : "#08090c", `M${160 + 210 * next()} ${380 + 100 * next()}l${10 + 18 * next()} ${-4 + 12 * next()}`, { line: 1 + 2.4 * next(), alpha: 0.5 });
    p.fill(p.linear(240, 0, 306, 0, [[0, "#f3e3c4"], [0.25, "#d8c6a8"], [0.6, "#7d7a78"], [1, "#24303a"]]), "M255 214H289L302 372H240Z");
    p.fill(p.linear(240, 0, 306, 0, [[0, "#b0402e"], [0.5, "#6f2420"], [1, "#2a1417"]]), "M252 246H291.500L294 278H249.500ZM247 310H297L299.5 342H244.500Z");
    p.fill("#0f1a22", "M246 206H298V214H246ZM250 198H251V206H250ZM293 198H294V206H293ZM258 214h1v-30h-1ZM285 214h1v-30h-1ZM256 182h32l-6-14-10-6-10 6Z");
    p.fill("#fff4cf", "M259 184H285V206H259Z");
    p.fill("#ffe9a8", "M268 262h8v10h-8ZM268 322h8v12h-8Z");
    p.fill("#fff0c0", `M${lampX - 22} ${lampY}a22 22 0 1 0 44 0 22 22 0 1 0-44 0`, { blur: 12, alpha: 0.95, blend: "screen" });
    // The keeper, with a lantern, on the last rock.
    const keeper = "M176 372c4 0 7 3 7 7l3 2-4 3c6 3 9 10 10 20l3 26h-34l3-26c1-10 4-17 8-20l-5-2 3-3c0-4 2-7 6-7Z";
    p.fill("#0a0d12", keeper);
    p.fill("#ffcf7a", "M199 408h5v7h-5Z");
    p.fill("#0a0d12", "M186 392l14 14-2 2-14-10Z");
    p.fill("#ffb650", "M190 412a12 12 0 1 0 24 0 12 12 0 1 0-24 0", { blur: 8, alpha: 0.9, blend: "screen" });
    // Spray where the sea breaks.
    for (let drop = 0; drop < 520; drop++) {
        const [x, y] = [112 + 260 * next(), 470 + 26 * next()];
        const up = 44 * next() ** 3 * (0.4 + 0.6 * Math.sin(x / 17) ** 2);
        p.fill(next() < 0.6 ? "#eef2e8" : "#9db7b8", `M${x} ${y - up}q${4 + 6 * next()} ${-3} ${9 + 9 * next()} ${2 + 2 * next()}`, { line: 0.8 + 2.6 * next(), alpha: 0.25 + 0.6 * next() });
    }
    p.brush([{ width: 9, every: 7, detail: 0 }, { width: 4.5, every: 4, detail: 40 }, { width: 1.7, every: 2, detail: 44 }], 18);
    p.fill("#fff3cc", `M${lampX - 8} ${lampY}a8 8 0 1 0 16 0 8 8 0 1 0-16 0`, { blur: 5, blend: "screen" });
    for (let streak = 0; streak < 150; streak++) {
        const [x, y] = [430 * next(), 560 * next()];
        p.fill("#dfe9e8", `M${x} ${y}l-5 14`, { line: 0.5, alpha: 0.22 * next() + 0.05 });
    }
    p.fill(p.linear(0, 440, 0, 600, [[0, "rgb(4 13 20 / 0)"], [0.6, "rgb(4 13 20 / 0.75)"], [1, "rgb(4 13 20 / 0.92)"]]));
    p.vignette(0.55, "4 10 18");
    p.letter("HENRIK AMDAL     ISOLDE MARCH", { font: "bebas", size: 15, y: 40, style: "#f0e3c8", track: 0.22 });
    p.letter("The Last Keeper", { font: "keeper", width: 340, y: 524, style: "#03080c", blur: 5 });
    p.letter("The Last Keeper", { font: "keeper", width: 340, y: 524, style: p.linear(0, 480, 0, 530, [[0, "#fff6df"], [1, "#e4bf86"]]) });
    p.letter("Some lights are kept for those who never return", { font: "italic", size: 13, y: 546, style: "#e0d2b6" });
    p.credits(["North Pier Films in association with Saltmarsh presents   a film by Marit Solberg   Henrik Amdal   Isolde March", "music by Piet Aalders   edited by Ruth Okoye   director of photography Jonas Weil", "based on the novel by E. M. Crane   written and directed by Marit Solberg"], { y: 566, style: "#b9b39e" });
    p.grain(16);
    return p;
}
