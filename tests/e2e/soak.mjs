/**
 * One tab for a long time: the same posters again and again, and one training after the other, on the CPU and on
 * WebGPU. Prints, as JSON, how the tab's memory went and whether an answer ever differed.
 *
 *     node soak.mjs CLASSIFICATIONS TRAININGS     (by cargo xtask robust soak)
 */

import { launch, url } from "./harness.mjs";
import { countBuffers } from "./gpu-buffers.mjs";
import { painted } from "./painted.mjs";

const [classifications, trainings] = process.argv.slice(2).map(Number);
if (!classifications || !trainings) throw new Error("say how many classifications and trainings");

/** @typedef {{ wasm: number, heap: number, buffers: number }} Sizes */

/**
 * Slope of the second half by least squares, in kB each time.
 *
 * @param {[number, number][]} points  times, bytes
 */
function slope(points) {
    const half = points.slice(points.length >> 1);
    const mean = (/** @type {number} */ which) => half.reduce((sum, point) => sum + Number(point[which]), 0) / half.length;
    const [x, y] = [mean(0), mean(1)];
    const [up, down] = half.reduce(([up, down], point) => [up + (point[0] - x) * (point[1] - y), down + (point[0] - x) ** 2], [0, 0]);
    return up / down / 1000;
}

/** @param {[number, Sizes][]} samples */
function memory(samples) {
    const kinds = /** @type {const} */ ([["wasm", "wasm"], ["heap", "JavaScript"], ["buffers", "GPU buffers"]]);
    return kinds.filter(([key]) => samples.some(([, sizes]) => sizes[key] > 0)).map(([key, kind]) => ({
        kind,
        middle: (samples[samples.length >> 1]?.[1][key] ?? 0) / 1e6,
        last: (samples.at(-1)?.[1][key] ?? 0) / 1e6,
        slope: slope(samples.map(([times, sizes]) => [times, sizes[key]])),
    }));
}

const browser = await launch(["--js-flags=--expose-gc", "--enable-precise-memory-info"]);
const series = [];
for (const device of /** @type {const} */ (["cpu", "webgpu"])) {
    const share = device === "cpu" ? 1 : 0.05;
    const page = await (await browser.newContext({ serviceWorkers: "block" })).newPage();
    await countBuffers(page);
    await page.goto(`${url}embed.html`);
    const posters = (await painted(page, 12)).files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
    await page.evaluate(async ({ device, posters }) => {
        /** @type {typeof import("../../www/pkg/gpu/marquee.js")} */
        const { Classifier, default: init } = await import(new URL(`pkg/${device === "cpu" ? "cpu" : "gpu"}/marquee.js`, location.href).href);
        const { memory } = await init();
        const manifest = await (await fetch("model/model.json")).text();
        const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
        const files = posters.map(({ bytes }) => Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)));
        const classifier = await Classifier.load(manifest, weights, { device });
        const ask = async (/** @type {number} */ index) => JSON.stringify(await classifier.classify(files[index % files.length] ?? new Uint8Array()));
        const expected = await Promise.all(files.map((_, index) => ask(index)));
        /** @param {WebAssembly.Memory} memory */
        const sizes = (memory) => {
            globalThis.gc?.();
            return { wasm: memory.buffer.byteLength, heap: Reflect.get(performance, "memory").usedJSHeapSize, buffers: Reflect.get(window, "held")() };
        };
        Reflect.set(window, "classify", async (/** @type {number} */ count) => {
            let different = 0;
            for (let index = 0; index < count; index++) {
                if ((await ask(index)) !== expected[index % files.length]) different++;
                // The tab's other work has its turn, garbage collection with it.
                if (index % 20 === 0) await new Promise((done) => setTimeout(done));
            }
            return { different, sizes: sizes(memory) };
        });
        /** @type {string} */
        let answer;
        Reflect.set(window, "train", async () => {
            const teach = await import(new URL(`pkg/${device === "cpu" ? "teach" : "gpu"}/marquee.js`, location.href).href);
            const { memory } = await teach.default();
            const tuner = await teach.FineTuner.load(manifest, weights, { device, newGenres: ["Night"], steps: device === "cpu" ? 100 : 10 });
            await tuner.add(files.map((bytes, index) => ({ bytes, labels: posters[index]?.labels ?? {} })));
            await tuner.train();
            const taught = await teach.Classifier.open(await tuner.export(), { device: "cpu" });
            const said = JSON.stringify(await taught.classify(files[0]));
            taught.free();
            tuner.free();
            answer ??= said;
            return { different: Number(device === "cpu" && said !== answer), sizes: sizes(memory) };
        });
    }, { device, posters });

    for (const [what, name, times, at] of /** @type {const} */ ([
        ["classify", `classifying, ${device}`, Math.round(classifications * share), 50],
        ["train", `training, ${device}`, Math.round(trainings * (device === "cpu" ? 1 : 0.2)), 1],
    ])) {
        const started = Date.now();
        /** @type {[number, Sizes][]} */
        const samples = [];
        let different = 0;
        for (let done = 0; done < times; done += at) {
            const result = await page.evaluate(([what, count]) => Reflect.get(window, String(what))(count), [what, Math.min(at, times - done)]);
            different += result.different;
            samples.push([done + at, result.sizes]);
            if (samples.length % 10 === 0) process.stderr.write(`${name}: ${done + at} of ${times}, ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
        }
        series.push({ what: name, times, seconds: (Date.now() - started) / 1000, different, memory: memory(samples) });
    }
    await page.context().close();
}
await browser.close();
console.log(JSON.stringify(series, null, 4));
