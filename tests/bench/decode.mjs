/**
 * Decoding and resizing a poster, in Marquee beside the browser's own `createImageBitmap`: medians with the tenth and
 * the ninetieth percentile.
 *
 *     node decode.mjs [--rounds N] [--json FILE]
 */

import { begin } from "./bench.mjs";

const { rounds, server, launch, record, finish } = await begin();
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}/bench/decode.html`);
await page.waitForFunction(() => document.title === "ready");
const call = (/** @type {string} */ what, /** @type {unknown} */ argument) =>
    page.evaluate(([what, argument]) => Reflect.get(window, "bench")[String(what)](argument), [what, argument]);

for (const type of ["image/jpeg", "image/webp", "image/png"]) {
    for (const width of [300, 1000, 2000]) {
        const bytes = await call("make", { width, type });
        const name = `${type} ${width}`;
        /** @type {Record<string, number[]>} */
        const figures = { marquee: [], browser: [] };
        for (let round = 0; round <= rounds; round++) {
            for (const engine of ["marquee", "browser"]) {
                const took = await call(engine, name);
                if (round) figures[engine]?.push(took);
            }
        }
        const metric = `${type.slice(6)}, ${width} x ${width * 1.5}, ${Math.round(bytes / 1000)} kB`;
        record({ name: "Marquee", device: "cpu" }, metric, "ms", figures.marquee ?? []);
        record({ name: "createImageBitmap", device: "cpu" }, metric, "ms", figures.browser ?? []);
    }
}
await browser.close();
finish();
