/**
 * Measures the steps per second of training the same head on the same posters, in Marquee and in TensorFlow.js.
 *
 *     node fine-tune.mjs [--rounds N] [--json FILE] [--gpu]
 */

import { begin } from "./bench.mjs";

const { options, rounds, server, launch, record, finish } = await begin();
const browser = await launch();
for (const device of ["cpu", "webgpu"]) {
    // The software GPU takes a few steps a second.
    const steps = device === "webgpu" && !options.gpu ? 20 : 200;
    const engines = [{ name: "Marquee", engine: "marquee", device }, { name: "TensorFlow.js", engine: "tensorflow", device }];
    const pages = [];
    for (const engine of engines) {
        const page = await browser.newPage();
        await page.goto(`${server.url}/bench/fine-tune.html?engine=${engine.engine}&device=${device}`);
        await page.waitForFunction(() => document.title === "ready", undefined, { timeout: 120_000 });
        pages.push({ engine, page, rates: /** @type {number[]} */ ([]) });
    }
    for (let round = 0; round <= Math.max(3, rounds / 3); round++) {
        for (const { engine, page, rates } of pages) {
            await page.bringToFront();
            const { rate, losses } = await page.evaluate((steps) => Reflect.get(window, "bench").train(steps), steps);
            if (!(losses[1] < losses[0])) throw new Error(`${engine.name} on ${device} does not learn: the losses are ${losses}`);
            if (round) rates.push(rate); // the first round warms up
        }
    }
    for (const { engine, page, rates } of pages) {
        record(engine, "training the head, 40 posters, batches of 32", "steps/s", rates);
        await page.close();
    }
}
await browser.close();
finish();
