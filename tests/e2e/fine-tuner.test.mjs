/** The package's `FineTuner`, called from JavaScript without the page: like the trainer, and without leaks. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { countBuffers } from "./gpu-buffers.mjs";
import { root, sample, trainer, visitor } from "./harness.mjs";
import { painted, paintedExamples } from "./painted.mjs";
import { predictWith } from "./trainer.mjs";

const visit = visitor();

describe("FineTuner, without the page", () => {
    // The software GPU takes four steps a second, and less for many posters.
    for (const { device, name, count, steps } of /** @type {const} */ ([
        { device: "cpu", name: "teach", count: 40, steps: 200 },
        { device: "webgpu", name: "gpu", count: 8, steps: 40 },
    ])) {
        test(`trains ${count} posters for ${steps} steps on ${device} like the trainer`, () => visit(async (marquee, page) => {
            await marquee.open("embed.html");
            const { files, csv } = await painted(page, count);
            const folder = mkdtempSync(`${tmpdir()}/marquee-`);
            mkdirSync(`${folder}/Images`);
            for (const { name, buffer } of files) writeFileSync(`${folder}/Images/${name}`, buffer);
            writeFileSync(`${folder}/train.csv`, csv);
            const native = `${folder}/native.safetensors`;
            execFileSync(trainer, ["fine-tune", "--device", "cpu", "--bundle", `${root}www/model`, "--data", folder, "--test-share", "0", "--steps", String(steps), "--out", native], { stdio: "ignore" });

            const posters = files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
            const { file, progress, report, rejected } = await page.evaluate(async ({ posters, name, device, steps }) => {
                /** @type {typeof import("../../www/pkg/teach/marquee.js")} */
                const { FineTuner, default: init } = await import(new URL(`pkg/${name}/marquee.js`, location.href).href);
                await init();
                const manifest = await (await fetch("model/model.json")).text();
                const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
                const tuner = await FineTuner.load(manifest, weights, { device, newGenres: ["Night"], steps });
                const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const [rejected] = await tuner.add([{ bytes: new Uint8Array(3), labels: {} }]);
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                /** @type {import("../../www/pkg/teach/marquee.js").FineTuneProgress[]} */
                const progress = [];
                await tuner.train((event) => void progress.push(event));
                const file = await tuner.export();
                return {
                    file: btoa(Array.from(file, (byte) => String.fromCharCode(byte)).join("")),
                    progress,
                    report: await tuner.evaluate(),
                    rejected: String(rejected),
                };
            }, { posters, name, device, steps });

            assert.match(rejected, /UnknownImageFormat: this is not a supported image/);
            assert.ok((progress[0]?.loss ?? NaN) > 1.5 * (progress.at(-1)?.loss ?? NaN), JSON.stringify(progress));
            assert.equal(progress.at(-1)?.step, steps);
            assert.ok((report?.genres[0]?.averagePrecision.after ?? NaN) > 0.9);
            console.log(`      ${device}: ${progress.at(-1)?.stepsPerSecond.toFixed(1)} steps a second`);
            const path = `${folder}/trained.safetensors`;
            writeFileSync(path, Buffer.from(file, "base64"));
            const [expected, found] = [predictWith(native, sample), predictWith(path, sample)];
            for (const [genre, probability] of expected) {
                const off = Math.abs(probability - (found.get(genre) ?? NaN));
                assert.ok(off < (device === "cpu" ? 5e-3 : 1e-2), `${genre} is off by ${off}`);
            }
        }, { webgpu: device === "webgpu" }));
    }

    test("fifteen trainings in a row do not leak memory", () => visit(async (marquee, page) => {
        await marquee.open("embed.html");
        const posters = await paintedExamples(page, 12);
        const sizes = await page.evaluate(async (posters) => {
            /** @type {typeof import("../../www/pkg/teach/marquee.js")} */
            const { FineTuner, default: init } = await import(new URL("pkg/teach/marquee.js", location.href).href);
            const { memory } = await init();
            const manifest = await (await fetch("model/model.json")).text();
            const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
            const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const sizes = [];
            for (let round = 0; round < 15; round++) {
                const tuner = await FineTuner.load(manifest, weights, { newGenres: ["Night"], steps: 50 });
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                await tuner.train();
                await tuner.export();
                tuner.free();
                sizes.push(memory.buffer.byteLength);
            }
            return sizes;
        }, posters);
        const summary = sizes.map((size) => `${(size / 1e6).toFixed(0)} MB`).join(", ");
        console.log(`      ${summary}`);
        // A model that is not freed takes 13 MB a round.
        assert.ok((sizes.at(-1) ?? Infinity) - (sizes[4] ?? 0) < 13e6, summary);
        assert.ok((sizes.at(-1) ?? Infinity) < 96e6, summary);
    }));

    test("five trainings in a row on WebGPU leak neither buffers nor memory", () => visit(async (marquee, page) => {
        await countBuffers(page);
        await marquee.open("embed.html");
        const posters = await paintedExamples(page, 4);
        const rounds = await page.evaluate(async (posters) => {
            /** @type {typeof import("../../www/pkg/gpu/marquee.js")} */
            const { FineTuner, default: init } = await import(new URL("pkg/gpu/marquee.js", location.href).href);
            const { memory } = await init();
            const manifest = await (await fetch("model/model.json")).text();
            const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
            const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const rounds = [];
            for (let round = 0; round < 5; round++) {
                const tuner = await FineTuner.load(manifest, weights, { device: "webgpu", newGenres: ["Night"], steps: 3 });
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                await tuner.train();
                await tuner.export();
                tuner.free();
                rounds.push([memory.buffer.byteLength, Reflect.get(window, "held")()]);
            }
            return rounds;
        }, posters);
        const summary = rounds.map((sizes) => sizes.map((size) => `${(Number(size) / 1e6).toFixed(0)} MB`).join(" wasm, ")).join(" GPU; ");
        console.log(`      ${summary} GPU`);
        // A model that is not freed takes 13 MB a round, in wasm and on the GPU.
        for (const kind of [0, 1]) assert.ok(Number(rounds[4]?.[kind]) - Number(rounds[1]?.[kind]) < 20e6, summary);
    }, { webgpu: true }));
});
