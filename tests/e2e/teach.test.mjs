/** Teaching in the page: posters, ticks, training, and keeping what was learnt. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { append, fullGpuMemory, makeGpuLosable, loseGpu, manifest, poster, root, sample, saved, screenshot, trainer, visitor, withManifest } from "./harness.mjs";
import { countBuffers } from "./memory.mjs";
import { painted } from "./painted.mjs";

const visit = visitor();

/** @typedef {import("playwright-core").Page} Page */

/**
 * Opens Teach, drops painted posters with a table of their genres, and waits until they are there.
 *
 * @param {import("./harness.mjs").Marquee} marquee
 * @param {Page} page
 * @param {number} [count]
 */
async function prepare(marquee, page, count = 40) {
    await marquee.ready();
    await page.getByRole("button", { name: "Teach it" }).click();
    const { files, csv } = await painted(page, count);
    await page.getByLabel("Add posters to learn from").setInputFiles([...files, { name: "labels.csv", mimeType: "text/csv", buffer: Buffer.from(csv) }]);
    await page.waitForFunction((count) => document.querySelectorAll(".training-poster").length === count, count);
}

/** @param {Page} page */
async function train(page) {
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText(/Taught with \d+ posters/).waitFor({ timeout: 240_000 });
}

/** @param {Page} page */
async function exported(page) {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as a file" }).click();
    const path = `${mkdtempSync(`${tmpdir()}/marquee-`)}/taught.safetensors`;
    await (await download).saveAs(path);
    return path;
}

/** Every genre's probability, as the page shows it. @param {import("./harness.mjs").Marquee} marquee @param {Page} page */
async function allGenres(marquee, page) {
    await marquee.file.setInputFiles(sample);
    await marquee.waitForResult();
    const texts = await marquee.all.allInnerTexts();
    return new Map(texts.map((text) => [text.split("\n")[0]?.trim(), parseFloat(/([\d.]+)\s*%/.exec(text)?.[1] ?? "")]));
}

/**
 * The same to the last digit, as the page saves it.
 *
 * @param {import("./harness.mjs").Marquee} marquee
 * @param {Page} page
 * @returns {Promise<Record<string, number>>}
 */
async function exactly(marquee, page) {
    await marquee.file.setInputFiles([sample, `${root}www/samples/saddle.jpg`]);
    await page.getByText(/^2 in /).waitFor();
    /** @type {{ file: string, probabilities: Record<string, number> }[]} */
    const answers = JSON.parse(await saved(page, "Save JSON"));
    return answers.find(({ file }) => file === "lighthouse.jpg")?.probabilities ?? {};
}

/** @param {string} bundle @param {string} picture */
function natively(bundle, picture) {
    const printed = execFileSync(trainer, ["predict", "--json", "--top", "1000", "--bundle", bundle, picture], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    /** @type {{ genre: string, probability: number }[]} */
    const genres = JSON.parse(printed)[0].genres;
    return new Map(genres.map(({ genre, probability }) => [genre, probability]));
}

describe("a new genre", () => {
    test("is taught, judged, kept, saved as a file, and read again everywhere", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page);
        await assert.doesNotReject(page.getByRole("listitem").filter({ hasText: "Night" }).filter({ hasText: "20 of 40" }).waitFor());
        await screenshot(page, "teach-posters-1280");
        const live = page.getByText("What it gives so far").waitFor();
        await train(page);
        await live;
        const row = page.locator("#teach-result tr").filter({ hasText: "Night" });
        const cells = await row.locator("td").allInnerTexts();
        assert.equal(cells[0], "20 / 20");
        assert.ok(Number(cells[3]) > 0.95, cells.join());
        await screenshot(page, "teach-taught-1280");

        const path = await exported(page);
        await page.getByRole("button", { name: "Close" }).click();
        const shown = await allGenres(marquee, page);
        assert.equal(shown.size, manifest.genres.length + 1);
        await page.getByText("with “My network”").waitFor();
        const native = natively(path, sample);
        const exact = await exactly(marquee, page);
        for (const [genre, probability] of native) {
            assert.ok(Math.abs((shown.get(genre) ?? NaN) - 100 * probability) <= 0.51, `${genre}: ${shown.get(genre)} % here, ${probability} natively`);
            assert.ok(Math.abs((exact[genre] ?? NaN) - probability) < 1e-4, `${genre}: ${exact[genre]} here, ${probability} natively`);
        }

        // A reload, then another visitor who gets the file.
        await page.reload();
        await marquee.ready();
        assert.deepEqual(await allGenres(marquee, page), shown);
        assert.deepEqual(await exactly(marquee, page), exact);
        await page.getByRole("button", { name: "Teach it" }).click();
        // They come one after the other.
        await page.locator(".training-poster").nth(39).waitFor();
        assert.equal(await page.locator(".training-poster").count(), 40);
        await visit(async (other, elsewhere) => {
            await other.open("?device=cpu");
            await other.ready();
            await elsewhere.getByRole("button", { name: "Teach it" }).click();
            await elsewhere.getByLabel("Add posters to learn from").setInputFiles(path);
            await elsewhere.getByText("“taught” answers now.").waitFor();
            await elsewhere.getByRole("button", { name: "Close" }).click();
            await other.ready();
            assert.deepEqual(await allGenres(other, elsewhere), shown);
            assert.deepEqual(await exactly(other, elsewhere), exact);
        });

        // Undone, it is as it was; and back to the shipped network.
        await page.getByRole("button", { name: "Undo the last training" }).click();
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.ready();
        assert.equal((await allGenres(marquee, page)).size, manifest.genres.length);
        await page.getByRole("button", { name: "Teach it" }).click();
        await page.getByRole("button", { name: "Back to the shipped network" }).click();
        assert.equal(await page.locator(".training-poster").count(), 0);
    }));

    test("is named, ticked and renamed by hand; several networks stand side by side", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "Teach it" }).click();
        const { files } = await painted(page, 12);
        await page.getByLabel("Add posters to learn from").setInputFiles(files);
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 12);
        const name = async (/** @type {string} */ name) => {
            await page.getByLabel("Name", { exact: true }).fill(name);
            await page.getByRole("button", { name: "Done" }).click();
        };
        await page.getByRole("button", { name: "A new genre" }).click();
        await name("drama");
        await page.getByText("There is a genre “drama” already.").waitFor();
        await name("<b>Noir</b>");
        for (const index of [0, 2, 4]) await page.locator(".training-poster").nth(index).getByRole("button", { name: "<b>Noir</b>" }).click();
        await page.getByText("3 of 12").waitFor();
        await page.getByText(/3 with it and 9 without it are too few/).waitFor();
        await page.getByRole("button", { name: "Rename <b>Noir</b>" }).click();
        await name("Film noir");
        await page.getByLabel("Teach a known genre").selectOption("Drama");
        await page.locator(".training-poster").nth(1).getByRole("button", { name: "Drama" }).click();
        await page.getByRole("button", { name: "Rename Drama" }).click();
        await name("Play");
        await screenshot(page, "teach-ticked-1280");
        await train(page);
        await page.locator("#teach-result tr").filter({ hasText: "Film noir" }).getByText("too few to tell").waitFor();
        await page.getByRole("button", { name: "Rename", exact: true }).click();
        await name("My taste");
        await page.getByRole("button", { name: "Close" }).click();
        const shown = await allGenres(marquee, page);
        assert.ok(shown.has("Play") && shown.has("Film noir") && !shown.has("Drama"), [...shown.keys()].join());

        await page.getByRole("button", { name: "Teach it" }).click();
        const choice = page.getByLabel("Network", { exact: true });
        await choice.selectOption("the shipped network");
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.ready();
        assert.ok((await allGenres(marquee, page)).has("Drama"));
        await page.getByRole("button", { name: "Teach it" }).click();
        await choice.selectOption("My taste");
        await page.getByRole("button", { name: "Forget it" }).click();
        await page.getByRole("button", { name: "Forget them" }).click();
        await page.waitForFunction(() => document.querySelectorAll("#model option").length === 1);
    }));
});

describe("training", () => {
    test("can be paused and stopped; a page that is closed keeps what was learnt", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 16);
        await page.getByLabel("Steps").fill("10000");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step \d+ of 10000/).waitFor({ timeout: 120_000 });
        await page.getByRole("button", { name: "Pause" }).click();
        const status = page.locator("#training-status");
        await page.waitForTimeout(1500);
        const held = await status.textContent();
        await page.waitForTimeout(1500);
        assert.equal(await status.textContent(), held);
        await screenshot(page, "teach-paused-1280");
        await page.getByRole("button", { name: "Go on" }).click();
        await page.waitForFunction((held) => document.querySelector("#training-status")?.textContent !== held, held);

        await page.waitForTimeout(5000);
        await page.reload();
        await marquee.ready();
        await page.getByRole("button", { name: "Teach it" }).click();
        await page.getByText(/was cut off after step \d+ of 10000/).waitFor();
        assert.equal(await page.locator(".training-poster").count(), 16);

        await page.getByLabel("Steps").fill("10000");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step \d+ of 10000/).waitFor({ timeout: 120_000 });
        await page.getByRole("button", { name: "Stop" }).click();
        await page.getByText(/Taught with 16 posters/).waitFor();
    }));

    test("never blocks the page, which goes on answering", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            Reflect.set(window, "longest", 0);
            new PerformanceObserver((list) => {
                for (const { duration } of list.getEntries()) Reflect.set(window, "longest", Math.max(Reflect.get(window, "longest"), duration));
            }).observe({ type: "longtask" });
        });
        await marquee.open("?device=cpu");
        await prepare(marquee, page);
        await page.evaluate(() => Reflect.set(window, "longest", 0));
        await train(page);
        const longest = await page.evaluate(() => Reflect.get(window, "longest"));
        assert.ok(longest <= 100, `${longest} ms`);
    }));

    test("on WebGPU gives what it gives on the CPU", () => visit(async (marquee, page) => {
        const figures = [];
        for (const device of ["cpu", "webgpu"]) {
            await marquee.open(`?device=${device}`);
            await page.evaluate(() => new Promise((done) => { const gone = indexedDB.deleteDatabase("marquee"); gone.onsuccess = gone.onerror = gone.onblocked = done; localStorage.clear(); }));
            await marquee.open(`?device=${device}`);
            // A GPU in software makes four steps a second.
            await prepare(marquee, page, 8);
            await page.getByLabel("Steps").fill("20");
            await train(page);
            assert.equal(await page.locator("#teach-error").textContent(), "");
            figures.push(natively(await exported(page), sample));
        }
        const [cpu, gpu] = figures;
        for (const [genre, probability] of cpu ?? []) {
            assert.ok(Math.abs(probability - (gpu?.get(genre) ?? NaN)) < 5e-3, `${genre}: ${probability}, ${gpu?.get(genre)}`);
        }
    }));

    test("goes on by the CPU when the GPU is lost, from the beginning and to the end", () => visit(async (marquee, page) => {
        makeGpuLosable(page);
        await marquee.open("?device=webgpu");
        await prepare(marquee, page, 16);
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step \d+ of 200/).waitFor({ timeout: 120_000 });
        await loseGpu(page.workers().find((worker) => worker.url().endsWith("fine-tune-worker.js")));
        await page.getByText(/WebGPU failed \(.+\); the CPU learns from the beginning/).waitFor();
        await page.getByText("Taught with 16 posters").waitFor({ timeout: 120_000 });
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }));

    test("goes on by the CPU when the GPU's memory is full", () => visit(async (marquee, page) => {
        await append(page, "pkg/gpu/marquee.js", fullGpuMemory('location.pathname.endsWith("/fine-tune-worker.js")'));
        await marquee.open("?device=webgpu");
        await prepare(marquee, page, 16);
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/WebGPU failed \(.+\); the CPU learns from the beginning/).waitFor({ timeout: 120_000 });
        await page.getByText("Taught with 16 posters").waitFor({ timeout: 120_000 });
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }));

    test("of the last stage works", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 16);
        await page.getByLabel("What learns").selectOption("last-stage");
        await page.getByLabel("Steps").fill("20");
        await train(page);
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }));
});

describe("what cannot be", () => {
    test("files that are no network, of another version or another architecture, are refused and nothing changes", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "Teach it" }).click();
        const offer = (/** @type {Buffer} */ buffer) => page.getByLabel("Add posters to learn from").setInputFiles({ name: "theirs.safetensors", mimeType: "", buffer });
        const says = (/** @type {RegExp} */ text) => page.locator("#teach-error").filter({ hasText: text }).waitFor();
        await offer(Buffer.from("nonsense"));
        await says(/theirs\.safetensors: this is not a Marquee model/);
        await offer(readFileSync(`${root}www/model/${manifest.weights.file}`));
        await says(/without a manifest/);
        const text = JSON.stringify(manifest);
        await offer(withManifest(text.replace('"format_version":1', '"format_version":9')));
        await says(/format version 9, but only version 1 is supported; update Marquee/);
        await offer(withManifest(text.replace("efficientnet-lite0", "efficientnet-lite2")));
        await says(/weights do not fit|have \d+ bytes|SHA-256/);
        assert.deepEqual(await page.getByLabel("Network", { exact: true }).locator("option").allInnerTexts(), ["the shipped network"]);
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.choose("poster.jpg", poster);
        await marquee.waitForResult();
    }));

    test("without a tick there is no training; a broken poster is named; a full disk is said", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            IDBObjectStore.prototype.put = function () { throw new DOMException("full", "QuotaExceededError"); };
        });
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 12);
        await page.getByText(/does not keep it \(the disk.*is full\)/).waitFor();
        await page.getByLabel("Add posters to learn from").setInputFiles({ name: "broken.jpg", mimeType: "image/jpeg", buffer: poster.subarray(0, 300) });
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 13);
        await train(page);
        await page.getByText(/broken\.jpg: the JPEG image is damaged/).waitFor();
        await page.getByRole("button", { name: "Do not teach Night" }).click();
        assert.ok(await page.getByRole("button", { name: "Train", exact: true }).isDisabled());
    }));
});

describe("from JavaScript, with the package alone", () => {
    const [count, steps] = [40, 200];
    for (const [device, name] of /** @type {const} */ ([["cpu", "teach"], ["webgpu", "gpu"]])) {
        test(`${count} posters and ${steps} steps on ${device} give what the trainer gives`, () => visit(async (marquee, page) => {
            await marquee.open("embed.html");
            const { files, csv } = await painted(page, count);
            const folder = mkdtempSync(`${tmpdir()}/marquee-`);
            mkdirSync(`${folder}/Images`);
            for (const { name, buffer } of files) writeFileSync(`${folder}/Images/${name}`, buffer);
            writeFileSync(`${folder}/train.csv`, csv);
            const native = `${folder}/native.safetensors`;
            execFileSync(trainer, ["finetune", "--device", "cpu", "--bundle", `${root}www/model`, "--data", folder, "--aside", "0", "--steps", String(steps), "--out", native], { stdio: "ignore" });

            const posters = files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
            const { taught, events, judgement, said } = await page.evaluate(async ({ posters, name, device, steps }) => {
                /** @type {typeof import("../../www/pkg/teach/marquee.js")} */
                const { FineTuner, default: init } = await import(new URL(`pkg/${name}/marquee.js`, location.href).href);
                await init();
                const manifest = await (await fetch("model/model.json")).text();
                const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
                const tuner = await FineTuner.load(manifest, weights, { device, newGenres: ["Night"], steps });
                const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const said = await tuner.add([{ bytes: new Uint8Array(3), labels: {} }]);
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                /** @type {import("../../www/pkg/teach/marquee.js").FineTuneProgress[]} */
                const events = [];
                await tuner.train((progress) => void events.push(progress));
                const file = await tuner.export();
                return { taught: btoa(Array.from(file, (byte) => String.fromCharCode(byte)).join("")), events, judgement: await tuner.evaluate(), said: String(said[0]) };
            }, { posters, name, device, steps });

            assert.match(said, /UnknownImageFormat: this is not an image/);
            assert.ok((events[0]?.loss ?? NaN) > 2 * (events.at(-1)?.loss ?? NaN), JSON.stringify(events));
            assert.equal(events.at(-1)?.step, steps);
            assert.ok((judgement?.genres[0]?.averagePrecision.after ?? NaN) > 0.9);
            console.log(`      ${device}: ${events.at(-1)?.stepsPerSecond.toFixed(1)} steps a second`);
            const path = `${folder}/taught.safetensors`;
            writeFileSync(path, Buffer.from(taught, "base64"));
            const [expected, found] = [natively(native, sample), natively(path, sample)];
            for (const [genre, probability] of expected) {
                const off = Math.abs(probability - (found.get(genre) ?? NaN));
                assert.ok(off < (device === "cpu" ? 5e-3 : 1e-2), `${genre} is off by ${off}`);
            }
        }));
    }

    test("fifteen trainings in a row: memory levels off", () => visit(async (marquee, page) => {
        await marquee.open("embed.html");
        const { files } = await painted(page, 12);
        const posters = files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
        const sizes = await page.evaluate(async (posters) => {
            /** @type {typeof import("../../www/pkg/teach/marquee.js")} */
            const { FineTuner, default: init } = await import(new URL("pkg/teach/marquee.js", location.href).href);
            const { memory } = await init();
            const manifest = await (await fetch("model/model.json")).text();
            const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
            const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const sizes = [];
            for (let round = 0; round < 15; round++) {
                const tuner = await FineTuner.load(manifest, weights, { newGenres: ["Night"] });
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                await tuner.train();
                await tuner.export();
                tuner.free();
                sizes.push(memory.buffer.byteLength);
            }
            return sizes;
        }, posters);
        const said = sizes.map((size) => `${(size / 1e6).toFixed(0)} MB`).join(", ");
        console.log(`      ${said}`);
        // A network that is not given back takes 13 MB each round.
        assert.ok((sizes.at(-1) ?? Infinity) - (sizes[4] ?? 0) < 13e6, said);
        assert.ok((sizes.at(-1) ?? Infinity) < 96e6, said);
    }));

    test("ten trainings in a row on WebGPU: its buffers and memory level off", () => visit(async (marquee, page) => {
        await countBuffers(page);
        await marquee.open("embed.html");
        const { files } = await painted(page, 4);
        const posters = files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
        const rounds = await page.evaluate(async (posters) => {
            /** @type {typeof import("../../www/pkg/gpu/marquee.js")} */
            const { FineTuner, default: init } = await import(new URL("pkg/gpu/marquee.js", location.href).href);
            const { memory } = await init();
            const manifest = await (await fetch("model/model.json")).text();
            const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
            const decode = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const rounds = [];
            for (let round = 0; round < 10; round++) {
                const tuner = await FineTuner.load(manifest, weights, { device: "webgpu", newGenres: ["Night"], steps: 10 });
                await tuner.add(posters.map(({ bytes, labels }) => ({ bytes: decode(bytes), labels })));
                await tuner.train();
                await tuner.export();
                tuner.free();
                rounds.push([memory.buffer.byteLength, Reflect.get(window, "held")()]);
            }
            return rounds;
        }, posters);
        const said = rounds.map((sizes) => sizes.map((size) => `${(Number(size) / 1e6).toFixed(0)} MB`).join(" wasm, ")).join(" GPU; ");
        console.log(`      ${said} GPU`);
        // A network that is not given back takes 13 MB each round in either.
        for (const kind of [0, 1]) assert.ok(Number(rounds[9]?.[kind]) - Number(rounds[4]?.[kind]) < 30e6, said);
    }));
});
