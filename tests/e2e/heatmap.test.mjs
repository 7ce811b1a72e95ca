/** Heatmaps can be seen on any poster, by everyone. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { visitor } from "./harness.mjs";

const visit = visitor();

/** @typedef {number[]} Rgb  linear, 0..=1 */

/** Colours as people with a missing kind of cone see them (Machado et al. 2009, severity 1), from linear RGB. */
const BLINDNESS = {
    none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** @param {number} value  0..=255 */
const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);

/** Converts linear RGB to OKLab. @param {Rgb} rgb */
function oklab([r = 0, g = 0, b = 0]) {
    const long = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const medium = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const short = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
        0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    ];
}

/** @param {number[]} some @param {number[]} others */
const distance = (some, others) => Math.hypot(...some.map((value, index) => value - (others[index] ?? NaN)));

/** Returns the legend's colours over a dark grey poster, from "against" to "for". @param {import("playwright-core").Page} page @returns {Promise<Rgb[]>} */
async function scale(page) {
    const pixels = await page.locator("#legend").evaluate((canvas) =>
        canvas instanceof HTMLCanvasElement ? [...(canvas.getContext("2d")?.getImageData(0, 0, canvas.width, 1).data ?? [])] : []);
    return Array.from({ length: pixels.length / 4 }, (_, index) => {
        const [r = 0, g = 0, b = 0, opacity = 0] = pixels.slice(4 * index, 4 * index + 4);
        return [r, g, b].map((value) => linear((value * opacity + 45 * (255 - opacity)) / 255));
    });
}

describe("the heatmap's scale", () => {
    test("grows evenly in lightness on both sides of zero", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        const lightness = (await scale(page)).map((colour) => oklab(colour)[0] ?? NaN);
        assert.equal(lightness.length, 256);
        const middle = lightness.length / 2;
        for (const side of [lightness.slice(0, middle).reverse(), lightness.slice(middle)]) {
            for (let index = 1; index < side.length; index++) {
                assert.ok((side[index] ?? NaN) >= (side[index - 1] ?? NaN) - 0.004, `the scale darkens at ${index} of ${side.length}`);
            }
            assert.ok((side.at(-1) ?? NaN) - (side[0] ?? NaN) > 0.45, `from ${side[0]} to ${side.at(-1)}`);
        }
    }));

    test("tells evidence for from evidence against, for colour-blind people too", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        const colours = await scale(page);
        for (const [blindness, matrix] of Object.entries(BLINDNESS)) {
            const seen = colours.map((rgb) => oklab(matrix.map((row) => Math.max(0, row.reduce((sum, factor, index) => sum + factor * (rgb[index] ?? 0), 0)))));
            for (const strength of [0.5, 0.75, 1]) {
                const offset = Math.round((strength * (seen.length - 1)) / 2);
                const [against, evidence] = [seen[127 - offset + 1] ?? seen[0] ?? [], seen[127 + offset] ?? seen.at(-1) ?? []];
                assert.ok(distance(against, evidence) > 0.08, `${blindness}, ${strength}: ${distance(against, evidence)}`);
            }
        }
    }));
});

describe("a heatmap", () => {
    for (const fill of ["#f28c28", "#3f7fd0", "#ffffff", "#000000", "#ffe9a8"]) {
        test(`stands out on a poster that is ${fill}`, () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await marquee.ready();
            const picture = await page.evaluate(async (fill) => {
                const canvas = new OffscreenCanvas(300, 450);
                const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
                context.fillStyle = fill;
                context.fillRect(0, 0, 300, 450);
                context.fillStyle = "#777777";
                context.fillRect(120, 120, 70, 160); // so that the evidence differs from place to place
                const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
                return btoa(String.fromCharCode(...bytes));
            }, fill);
            await marquee.file.setInputFiles({ name: "plain.png", mimeType: "image/png", buffer: Buffer.from(picture, "base64") });
            await marquee.waitForResult();
            await marquee.genre(0).click();
            const places = await page.locator("#first-map").evaluate((canvas) => {
                if (!(canvas instanceof HTMLCanvasElement)) throw new Error("no canvas");
                const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
                // Only on the plain part: the grey one has another colour anyway.
                const plain = [...Array(data.length / 4).keys()].filter((index) => (index % canvas.width) / canvas.width < 0.35 || (index % canvas.width) / canvas.width > 0.7);
                const opacity = (/** @type {number} */ index) => data[4 * index + 3] ?? 0;
                plain.sort((a, b) => opacity(a) - opacity(b));
                return [plain[0] ?? 0, plain.at(-1) ?? 0].map((index) => ({ x: (index % canvas.width) / canvas.width, y: Math.floor(index / canvas.width) / canvas.height, opacity: opacity(index) }));
            });
            const shot = (await page.locator("#first .layers").screenshot()).toString("base64");
            const [weak = [], strong = []] = await page.evaluate(async ({ shot, places }) => {
                const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
                const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
                const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
                context.drawImage(bitmap, 0, 0);
                return places.map(({ x, y }) => {
                    const inside = (/** @type {number} */ share, /** @type {number} */ size) => Math.min(Math.max(Math.round(share * size), 6), size - 7);
                    return [...context.getImageData(inside(x, bitmap.width), inside(y, bitmap.height), 1, 1).data].slice(0, 3);
                });
            }, { shot, places });
            const seen = distance(oklab(weak.map(linear)), oklab(strong.map(linear)));
            // The difference of opacity is how far apart the two places are on the scale.
            const difference = ((places[1]?.opacity ?? 0) - (places[0]?.opacity ?? 0)) / 255;
            assert.ok(difference > 0.3, `the evidence hardly differs: ${difference}`);
            assert.ok(seen > 0.25 * difference, `the places look alike: ${seen} for ${difference}`);
        }));
    }

    test("leaves the poster's own colours once its strength is zero", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        const filter = () => page.locator("#preview").evaluate((image) => getComputedStyle(image).filter);
        assert.equal(await filter(), "none");
        await marquee.genre(0).click();
        assert.match(await filter(), /^grayscale\(0\.9\) brightness\(0\.45\)$/);
        await page.getByLabel("Heatmap").fill("0");
        assert.match(await filter(), /^grayscale\(0\) brightness\(1\)$/);
        await page.getByLabel("Heatmap").fill("100");
        await marquee.genre(0).click();
        assert.equal(await filter(), "none");
    }));
});
