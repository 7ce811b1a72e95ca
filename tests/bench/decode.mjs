/**
 * Measures decoding and resizing a poster, by Marquee and by the browser's `createImageBitmap`. Prints medians with the
 * 10th and 90th percentiles.
 *
 *     node decode.mjs [--rounds N] [--json FILE]
 */

import { begin } from "./bench.mjs";

const { rounds, server, launch, record, finish } = await begin();
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}/bench/decode.html`);
await page.waitForFunction(() => document.title === "ready");
const call = (/** @type {string} */ name, /** @type {unknown} */ argument) =>
    page.evaluate(([name, argument]) => Reflect.get(window, "bench")[String(name)](argument), [name, argument]);

for (const type of ["image/jpeg", "image/webp", "image/png"]) {
    for (const width of [300, 1000, 2000]) {
        const bytes = await call("make", { width, type });
        const name = `${type} ${width}`;
        /** @type {Record<string, number[]>} */
        const times = { marquee: [], browser: [] };
        for (let round = 0; round <= rounds; round++) {
            for (const engine of ["marquee", "browser"]) {
                const milliseconds = await call(engine, name);
                if (round) times[engine]?.push(milliseconds); // the first round warms up
            }
        }
        const metric = `${type.slice(6)}, ${width} x ${width * 1.5}, ${Math.round(bytes / 1000)} kB`;
        record({ name: "Marquee", device: "cpu" }, metric, "ms", times.marquee ?? []);
        record({ name: "createImageBitmap", device: "cpu" }, metric, "ms", times.browser ?? []);
    }
}
await browser.close();
finish();
