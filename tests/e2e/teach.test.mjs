/** The Teach view: adding and ticking posters, training, and saving the trained model. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { append, fullGpuMemory, loseGpu, workerNamed, makeGpuLosable, manifest, poster, root, sample, saved, screenshot, visitor, withManifest } from "./harness.mjs";
import { painted } from "./painted.mjs";
import { addKnownGenre, openTeach, prepare, train, useModel } from "./teach-view.mjs";
import { predictWith } from "./trainer.mjs";

const visit = visitor();

/** @typedef {import("playwright-core").Page} Page */

/** Saves the model as a file, and returns its path. @param {Page} page */
async function savedModel(page) {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as a file" }).click();
    const path = `${mkdtempSync(`${tmpdir()}/marquee-`)}/trained.safetensors`;
    await (await download).saveAs(path);
    return path;
}

/** Returns every genre's percentage, as the page shows it. @param {import("./harness.mjs").Marquee} marquee @param {Page} page */
async function shownGenres(marquee, page) {
    await marquee.file.setInputFiles(sample);
    await marquee.waitForResult();
    const texts = await marquee.all.allInnerTexts();
    return new Map(texts.map((text) => [text.split("\n")[0]?.trim(), parseFloat(/([\d.]+)\s*%/.exec(text)?.[1] ?? "")]));
}

/**
 * Returns every genre's probability with all its digits, from the JSON that the page saves.
 *
 * @param {import("./harness.mjs").Marquee} marquee
 * @param {Page} page
 * @returns {Promise<Record<string, number>>}
 */
async function exactGenres(marquee, page) {
    await marquee.file.setInputFiles([sample, `${root}www/samples/saddle.jpg`]);
    await page.getByText(/^2 in /).waitFor();
    /** @type {{ file: string, probabilities: Record<string, number> }[]} */
    const rows = JSON.parse(await saved(page, "Save JSON"));
    return rows.find(({ file }) => file === "lighthouse.jpg")?.probabilities ?? {};
}

/** Returns, in the page, whether a model in the database is a checkpoint of a training. */
async function hasCheckpoint() {
    const request = indexedDB.open("marquee");
    /** @type {IDBDatabase} */
    const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const all = database.transaction("networks").objectStore("networks").getAll();
    await new Promise((resolve) => (all.onsuccess = resolve));
    database.close();
    return all.result.some(({ cut }) => cut);
}

describe("a new genre", () => {
    test("is trained, evaluated, stored, saved as a file, and read back on another page and by the trainer", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page);
        await assert.doesNotReject(page.getByRole("listitem").filter({ hasText: "Night" }).filter({ hasText: "20 of 40" }).waitFor());
        await screenshot(page, "teach-posters-1280");
        const live = page.getByText("Results so far").waitFor();
        await train(page);
        await live;
        const row = page.locator("#teach-result tr").filter({ hasText: "Night" });
        const cells = await row.locator("td").allInnerTexts();
        assert.equal(cells[0], "20 / 20");
        assert.ok(Number(cells[3]) > 0.95, cells.join());
        // The result in a sentence, and the curves with their axes.
        await page.getByText(/^The model has learned Night \(average precision [\d.]+, guessing 0\.50\)\.$/).waitFor();
        const curve = page.getByRole("img", { name: /^Training loss, from [\d.]+ to [\d.]+; on held-out posters from [\d.]+ to [\d.]+$/ });
        const [, first = "", last = "", heldOutFirst = "", heldOutLast = ""] = /from ([\d.]+) to ([\d.]+); .* from ([\d.]+) to ([\d.]+)/.exec((await curve.getAttribute("aria-label")) ?? "") ?? [];
        assert.ok(Number(last) < Number(first) && Number(heldOutLast) < Number(heldOutFirst), (await curve.getAttribute("aria-label")) ?? "");
        const numbers = await curve.locator("text").allTextContents();
        assert.ok(numbers.includes("0") && numbers.includes("200") && numbers.includes("steps") && numbers.includes("loss"), numbers.join());
        for (const line of ["trained", "held-out", "guessed"]) {
            const points = (await curve.locator(`polyline.${line}`).getAttribute("points"))?.split(" ") ?? [];
            assert.ok(points.length >= 2, `${line}: ${points.length} points`);
        }
        await screenshot(page, "teach-trained-1280");

        const path = await savedModel(page);
        await page.getByRole("button", { name: "Close" }).click();
        const shown = await shownGenres(marquee, page);
        assert.equal(shown.size, manifest.genres.length + 1);
        await page.locator("#genres").getByText("with “My model”").waitFor();
        const native = predictWith(path, sample);
        const exact = await exactGenres(marquee, page);
        for (const [genre, probability] of native) {
            assert.ok(Math.abs((shown.get(genre) ?? NaN) - 100 * probability) <= 0.51, `${genre}: ${shown.get(genre)}% here, ${probability} natively`);
            assert.ok(Math.abs((exact[genre] ?? NaN) - probability) < 1e-4, `${genre}: ${exact[genre]} here, ${probability} natively`);
        }

        // After a reload, and for another visitor who opens the file.
        await page.reload();
        await marquee.ready();
        assert.deepEqual(await shownGenres(marquee, page), shown);
        assert.deepEqual(await exactGenres(marquee, page), exact);
        await openTeach(page);
        // They appear one by one.
        await page.locator(".training-poster").nth(39).waitFor();
        assert.equal(await page.locator(".training-poster").count(), 40);
        await visit(async (other, elsewhere) => {
            await other.open("?device=cpu");
            await other.ready();
            await openTeach(elsewhere);
            await elsewhere.getByLabel("Add training posters").setInputFiles(path);
            await elsewhere.getByText("“trained” is now in use.").waitFor();
            await elsewhere.getByRole("button", { name: "Close" }).click();
            await other.ready();
            assert.deepEqual(await shownGenres(other, elsewhere), shown);
            assert.deepEqual(await exactGenres(other, elsewhere), exact);
        });

        // Undo restores the model; then the built-in one is chosen.
        await page.getByRole("button", { name: "Undo the last training" }).click();
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.ready();
        assert.equal((await shownGenres(marquee, page)).size, manifest.genres.length);
        await openTeach(page);
        await page.getByRole("button", { name: "Use the built-in model" }).click();
        assert.equal(await page.locator(".training-poster").count(), 0);
    }));

    test("can be named, ticked and renamed by hand, beside several other models", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await openTeach(page);
        const { files } = await painted(page, 12);
        await page.getByLabel("Add training posters").setInputFiles(files);
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 12);
        const name = async (/** @type {string} */ name) => {
            await page.getByLabel("Name", { exact: true }).fill(name);
            await page.getByRole("button", { name: "Done" }).click();
        };
        await page.getByRole("button", { name: "New genre" }).click();
        await name("drama");
        await page.getByText("“drama” already exists.").waitFor();
        await name("<b>Noir</b>");
        for (const index of [0, 2, 4]) await page.locator(".training-poster").nth(index).getByRole("button", { name: "<b>Noir</b>" }).click();
        await page.getByText("3 of 12").waitFor();
        await page.getByText(/3 with it, 9 without\. Add at least 5 of each/).waitFor();
        await page.getByRole("button", { name: "Rename <b>Noir</b>" }).click();
        await name("Film noir");
        await addKnownGenre(page, "Drama");
        await page.locator(".training-poster").nth(1).getByRole("button", { name: "Drama" }).click();
        await page.getByRole("button", { name: "Rename Drama" }).click();
        await name("Play");
        await screenshot(page, "teach-ticked-1280");
        await train(page);
        await page.locator("#teach-result tr").filter({ hasText: "Film noir" }).getByText("add at least 5 of each").waitFor();
        await page.getByRole("button", { name: "Rename", exact: true }).click();
        await name("My taste");
        await page.getByRole("button", { name: "Close" }).click();
        const shown = await shownGenres(marquee, page);
        assert.ok(shown.has("Play") && shown.has("Film noir") && !shown.has("Drama"), [...shown.keys()].join());

        await openTeach(page);
        await useModel(page, "Built-in model");
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.ready();
        assert.ok((await shownGenres(marquee, page)).has("Drama"));
        await openTeach(page);
        await useModel(page, "My taste");
        await page.getByRole("button", { name: "Delete", exact: true }).click();
        await page.getByRole("button", { name: "Delete model" }).click();
        await page.waitForFunction(() => document.querySelectorAll("#model option").length === 1);
    }));
});

describe("training", () => {
    test("can be paused and stopped, and its progress survives closing the page", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 16);
        await page.getByLabel("Steps").fill("10000");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step [\d,]+ of 10,000/).waitFor({ timeout: 120_000 });
        await page.getByRole("button", { name: "Pause" }).click();
        const status = page.locator("#training-status");
        await page.waitForTimeout(1500);
        const before = await status.textContent();
        await page.waitForTimeout(1500);
        assert.equal(await status.textContent(), before);
        await screenshot(page, "teach-paused-1280");
        await page.getByRole("button", { name: "Resume" }).click();
        await page.waitForFunction((before) => document.querySelector("#training-status")?.textContent !== before, before);

        await page.waitForFunction(hasCheckpoint);
        await page.reload();
        await marquee.ready();
        await openTeach(page);
        await page.getByText(/was interrupted after step [\d,]+ of 10,000/).waitFor();
        await page.locator(".training-poster").nth(15).waitFor();
        assert.equal(await page.locator(".training-poster").count(), 16);

        await page.getByLabel("Steps").fill("10000");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step [\d,]+ of 10,000/).waitFor({ timeout: 120_000 });
        await page.getByRole("button", { name: "Stop" }).click();
        await page.getByText(/Trained on 16 posters/).waitFor();
    }));

    test("on WebGPU matches training on the CPU", () => visit(async (marquee, page) => {
        const predictions = [];
        for (const device of ["cpu", "webgpu"]) {
            await marquee.open(`?device=${device}`);
            await page.evaluate(() => new Promise((done) => { const gone = indexedDB.deleteDatabase("marquee"); gone.onsuccess = gone.onerror = gone.onblocked = done; localStorage.clear(); }));
            await marquee.open(`?device=${device}`);
            // The software GPU takes four steps a second.
            await prepare(marquee, page, 8);
            await page.getByLabel("Steps").fill("8");
            await train(page);
            assert.equal(await page.locator("#teach-error").textContent(), "");
            predictions.push(predictWith(await savedModel(page), sample));
        }
        const [cpu, gpu] = predictions;
        for (const [genre, probability] of cpu ?? []) {
            assert.ok(Math.abs(probability - (gpu?.get(genre) ?? NaN)) < 5e-3, `${genre}: ${probability}, ${gpu?.get(genre)}`);
        }
    }, { webgpu: true }));

    test("restarts on the CPU when the GPU is lost", () => visit(async (marquee, page) => {
        await makeGpuLosable(page);
        await marquee.open("?device=webgpu");
        await prepare(marquee, page, 8);
        await page.getByLabel("Steps").fill("50");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step \d+ of 50/).waitFor({ timeout: 120_000 });
        await loseGpu(await workerNamed(page, "marquee-gpu-teach"));
        await page.getByText(/WebGPU failed \(.+\); restarting on the CPU/).waitFor();
        await page.getByText("Trained on 8 posters").waitFor({ timeout: 120_000 });
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }, { webgpu: true }));

    test("restarts on the CPU when the GPU's memory is full", () => visit(async (marquee, page) => {
        await append(page, "pkg/gpu/marquee.js", fullGpuMemory('globalThis.name === "marquee-gpu-teach"'));
        await marquee.open("?device=webgpu");
        await prepare(marquee, page, 16);
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/WebGPU failed \(.+\); restarting on the CPU/).waitFor({ timeout: 120_000 });
        await page.getByText("Trained on 16 posters").waitFor({ timeout: 120_000 });
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }, { webgpu: true }));

    test("of the last stage reports the new genre", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 16);
        await page.getByLabel("Depth").selectOption("last-stage");
        await page.getByLabel("Steps").fill("20");
        await train(page);
        await page.locator("#teach-result tr").filter({ hasText: "Night" }).waitFor();
    }));
});

describe("bad input", () => {
    test("refuses files that are no model, of another version or of another architecture, and changes nothing", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await openTeach(page);
        const importFile = (/** @type {Buffer} */ buffer) => page.getByLabel("Add training posters").setInputFiles({ name: "theirs.safetensors", mimeType: "", buffer });
        const showsError = (/** @type {RegExp} */ text) => page.locator("#teach-error").filter({ hasText: text }).waitFor();
        await importFile(Buffer.from("nonsense"));
        await showsError(/theirs\.safetensors: this is not a Marquee model/);
        await importFile(readFileSync(`${root}www/model/${manifest.weights.file}`));
        await showsError(/without a manifest/);
        const text = JSON.stringify(manifest);
        await importFile(withManifest(text.replace('"format_version":1', '"format_version":9')));
        await showsError(/format version 9, but only version 1 is supported; update Marquee/);
        await importFile(withManifest(text.replace("efficientnet-lite0", "efficientnet-lite2")));
        await showsError(/weights do not match|have \d+ bytes|SHA-256/);
        assert.deepEqual(await page.getByLabel("Model", { exact: true }).locator("option").allInnerTexts(), ["Built-in model"]);
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.choose("poster.jpg", poster);
        await marquee.waitForResult();
    }));

    test("disables training without a tick, and names a damaged poster and full storage", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            IDBObjectStore.prototype.add = IDBObjectStore.prototype.put = function () { throw new DOMException("full", "QuotaExceededError"); };
        });
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 12);
        await page.getByText(/could not save the model \(no storage left\)/).waitFor();
        await page.getByLabel("Add training posters").setInputFiles({ name: "broken.jpg", mimeType: "image/jpeg", buffer: poster.subarray(0, 300) });
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 13);
        await train(page);
        await page.getByText(/broken\.jpg: the JPEG image is damaged/).waitFor();
        await page.getByRole("button", { name: "Remove Night" }).click();
        assert.ok(await page.getByRole("button", { name: "Train", exact: true }).isDisabled());
    }));
});
