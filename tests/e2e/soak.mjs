/**
 * Soak test: classifies the same posters and trains on them over and over in one tab, on the CPU and on WebGPU. Prints
 * the tab's memory over time and the number of predictions that changed, as JSON.
 *
 *     node soak.mjs CLASSIFICATIONS TRAININGS     (run it with: cargo xtask robust soak)
 */

import { countBuffers } from "./gpu-buffers.mjs";
import { launch, url, webgpuFlags } from "./harness.mjs";
import { paintedExamples } from "./painted.mjs";

const [classifications, trainings] = process.argv.slice(2).map(Number);
if (!classifications || !trainings) throw new Error("usage: node soak.mjs CLASSIFICATIONS TRAININGS");

/** In bytes. @typedef {{ wasm: number, heap: number, buffers: number }} Sizes */

/**
 * Returns the growth over the second half of the run: the least-squares slope in kB per repetition.
 *
 * @param {[number, number][]} points  repetitions and bytes
 */
function slope(points) {
    const half = points.slice(points.length >> 1);
    const mean = (/** @type {number} */ axis) => half.reduce((sum, point) => sum + Number(point[axis]), 0) / half.length;
    const [meanX, meanY] = [mean(0), mean(1)];
    const covariance = half.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
    const variance = half.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
    return covariance / variance / 1000;
}

/** Summarises each kind of memory that is in use, in MB. @param {[number, Sizes][]} samples  after so many repetitions */
function memory(samples) {
    const kinds = /** @type {const} */ ([["wasm", "wasm"], ["heap", "JavaScript"], ["buffers", "GPU buffers"]]);
    return kinds.filter(([key]) => samples.some(([, sizes]) => sizes[key] > 0)).map(([key, kind]) => ({
        kind,
        middle: (samples[samples.length >> 1]?.[1][key] ?? 0) / 1e6,
        last: (samples.at(-1)?.[1][key] ?? 0) / 1e6,
        slope: slope(samples.map(([repetitions, sizes]) => [repetitions, sizes[key]])),
    }));
}

const browser = await launch([...webgpuFlags, "--js-flags=--expose-gc", "--enable-precise-memory-info"]);
const series = [];
for (const device of /** @type {const} */ (["cpu", "webgpu"])) {
    // The software GPU is slow.
    const share = device === "cpu" ? 1 : 0.05;
    const page = await (await browser.newContext({ serviceWorkers: "block" })).newPage();
    await countBuffers(page);
    await page.goto(`${url}embed.html`);
    const posters = await paintedExamples(page, 12);
    await page.evaluate(async ({ device, posters }) => {
        /** @type {typeof import("../../www/pkg/gpu/marquee.js")} */
        const { Classifier, default: init } = await import(new URL(`pkg/${device === "cpu" ? "cpu" : "gpu"}/marquee.js`, location.href).href);
        const { memory } = await init();
        const manifest = await (await fetch("model/model.json")).text();
        const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
        const files = posters.map(({ bytes }) => Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)));
        const classifier = await Classifier.load(manifest, weights, { device });
        const classify = async (/** @type {number} */ index) => JSON.stringify(await classifier.classify(files[index % files.length] ?? new Uint8Array()));
        const expected = await Promise.all(files.map((_, index) => classify(index)));
        /** @param {WebAssembly.Memory} memory */
        const sizes = (memory) => {
            globalThis.gc?.();
            return { wasm: memory.buffer.byteLength, heap: Reflect.get(performance, "memory").usedJSHeapSize, buffers: Reflect.get(window, "held")() };
        };
        Reflect.set(window, "classify", async (/** @type {number} */ count) => {
            let different = 0;
            for (let index = 0; index < count; index++) {
                if ((await classify(index)) !== expected[index % files.length]) different++;
                // Yield to the tab's other work, garbage collection included.
                if (index % 20 === 0) await new Promise((done) => setTimeout(done));
            }
            return { different, sizes: sizes(memory) };
        });
        /** @type {string} */
        let expectedTrained;
        Reflect.set(window, "train", async () => {
            const teach = await import(new URL(`pkg/${device === "cpu" ? "teach" : "gpu"}/marquee.js`, location.href).href);
            const { memory } = await teach.default();
            const tuner = await teach.FineTuner.load(manifest, weights, { device, newGenres: ["Night"], steps: device === "cpu" ? 100 : 10 });
            await tuner.add(files.map((bytes, index) => ({ bytes, labels: posters[index]?.labels ?? {} })));
            await tuner.train();
            const trained = await teach.Classifier.open(await tuner.export(), { device: "cpu" });
            const prediction = JSON.stringify(await trained.classify(files[0]));
            trained.free();
            tuner.free();
            expectedTrained ??= prediction;
            return { different: Number(device === "cpu" && prediction !== expectedTrained), sizes: sizes(memory) };
        });
    }, { device, posters });

    for (const [task, name, times, chunk] of /** @type {const} */ ([
        ["classify", `classifying, ${device}`, Math.round(classifications * share), 50],
        ["train", `training, ${device}`, Math.round(trainings * (device === "cpu" ? 1 : 0.2)), 1],
    ])) {
        const started = Date.now();
        /** @type {[number, Sizes][]} */
        const samples = [];
        let different = 0;
        for (let done = 0; done < times; done += chunk) {
            const result = await page.evaluate(([task, count]) => Reflect.get(window, String(task))(count), [task, Math.min(chunk, times - done)]);
            different += result.different;
            samples.push([done + chunk, result.sizes]);
            if (samples.length % 10 === 0) process.stderr.write(`${name}: ${done + chunk} of ${times}, ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
        }
        series.push({ what: name, times, seconds: (Date.now() - started) / 1000, different, memory: memory(samples) });
    }
    await page.context().close();
}
await browser.close();
console.log(JSON.stringify(series, null, 4));
