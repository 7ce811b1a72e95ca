/** The gallery: many posters at once. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { manifest, poster, root, saved, screenshot, trainer, visitor } from "./harness.mjs";

const visit = visitor();
const names = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"];
const files = names.map((name) => `${root}www/samples/${name}.jpg`);

/** @typedef {{ file: string, genres: string[], probabilities: Record<string, number>, error: string }} Saved */

describe("a folder", () => {
    test("shows each file's genres or the reason why it was refused", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.file.setInputFiles([
            ...files.map((file, index) => ({ name: `${names[index]}.jpg`, mimeType: "image/jpeg", buffer: readFileSync(file) })),
            { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("Dear diary") },
            { name: "cut.jpg", mimeType: "image/jpeg", buffer: poster.subarray(0, 300) },
            { name: "<b>bold</b>.png", mimeType: "image/png", buffer: Buffer.alloc(0) },
            { name: "Thumbs.db", mimeType: "", buffer: Buffer.from("Windows") },
        ]);
        await page.getByText(/^9 in /).waitFor();
        assert.equal(await marquee.tiles.count(), 6);
        await page.getByText("3 files were not classified").click();
        const refused = await page.getByRole("list", { name: "Files that were not classified" }).getByRole("listitem").allInnerTexts();
        // They come as the workers finish them.
        assert.match(refused.sort().join("\n"), /<b>bold<\/b>\.png: the file is empty[^]*cut\.jpg: the JPEG image is damaged[^]*notes\.txt: this is not a supported image/);
        await screenshot(page, "folder-1280");

        /** @type {Saved[]} */
        const json = JSON.parse(await saved(page, "Save JSON"));
        assert.equal(json.length, 9);
        const lighthouse = json.find(({ file }) => file === "lighthouse.jpg");
        assert.equal(Object.keys(lighthouse?.probabilities ?? {}).length, manifest.genres.length);
        assert.match(json.find(({ file }) => file === "notes.txt")?.error ?? "", /not a supported image/);
        const csv = (await saved(page, "Save CSV")).trimEnd().split("\r\n");
        assert.equal(csv.length, 10);
        assert.equal(csv[0], ["file", "genres", "error", ...manifest.genres.map(({ name }) => name)].join(","));
        const drama = manifest.genres.findIndex(({ name }) => name === "Drama");
        const cells = csv.find((line) => line.startsWith("lighthouse.jpg"))?.match(/("[^"]*"|[^,]*)(,|$)/g) ?? [];
        assert.ok(Math.abs(parseFloat(cells[3 + drama] ?? "") - (lighthouse?.probabilities.Drama ?? NaN)) < 1e-6);
    }));

    test("of a hundred untrusted files is classified or refused as natively, and a good poster after them is unaffected", () => visit(async (marquee, page) => {
        const folder = process.env.MARQUEE_UNTRUSTED;
        assert.ok(folder, "MARQUEE_UNTRUSTED is the folder that the native tests fill");
        /** @type {Record<string, boolean>} */
        const classified = JSON.parse(readFileSync(`${folder}/classified.json`, "utf8"));
        const untrusted = Object.keys(classified);
        assert.ok(untrusted.length > 100);
        await marquee.open("?device=cpu");
        await marquee.file.setInputFiles([...untrusted.map((name) => `${folder}/${name}`), files[0] ?? ""]);
        await page.getByText(new RegExp(`^${untrusted.length + 1} in `)).waitFor({ timeout: 240_000 });
        /** @type {Saved[]} */
        const results = JSON.parse(await saved(page, "Save JSON"));
        for (const { file, error, probabilities } of results) {
            assert.equal(!error, classified[file] ?? true, `${file}: ${error}`);
            assert.equal(Object.keys(probabilities ?? {}).length, error ? 0 : manifest.genres.length, file);
        }
        const good = results.filter(({ error }) => !error).length - 1;
        console.log(`figure: the page classified ${good} of ${untrusted.length} untrusted files, and a good poster after them`);
        await marquee.open("?device=cpu");
        await marquee.file.setInputFiles([files[0] ?? "", files[1] ?? ""]);
        await page.getByText(/^2 in /).waitFor();
        /** @type {Saved[]} */
        const alone = JSON.parse(await saved(page, "Save JSON"));
        const lighthouse = (/** @type {Saved[]} */ all) => all.find(({ file }) => file === "lighthouse.jpg")?.probabilities;
        assert.deepEqual(lighthouse(results), lighthouse(alone));
    }));

    test("is read with its subfolders and without system files", () => visit(async (marquee, page) => {
        const folder = mkdtempSync(`${tmpdir()}/marquee-`);
        mkdirSync(`${folder}/noir`);
        copyFileSync(files[0] ?? "", `${folder}/lighthouse.jpg`);
        copyFileSync(files[4] ?? "", `${folder}/noir/cellar.jpg`);
        writeFileSync(`${folder}/.DS_Store`, "Macintosh");
        await marquee.open("?device=cpu");
        await page.getByLabel("Folder").setInputFiles(folder);
        await page.getByText(/^2 in /).waitFor();
        const shown = await marquee.tiles.locator(".file").allTextContents();
        assert.deepEqual(shown.toSorted(), ["cellar.jpg", "lighthouse.jpg"]);
        assert.equal(await page.locator("#refused").isVisible(), false);
    }));

    test("can be sorted and filtered, and each poster can be opened", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.file.setInputFiles(files);
        await page.getByText(/^6 in /).waitFor();
        /** @type {Saved[]} */
        const results = JSON.parse(await saved(page, "Save JSON"));
        const shown = () => marquee.tiles.locator(".file").allTextContents();
        const by = (/** @type {(result: Saved) => number} */ value) =>
            results.toSorted((a, b) => value(b) - value(a)).map(({ file }) => file);

        await page.locator("#filter-genre").selectOption("Horror");
        await page.locator("#filter-probability").fill("0");
        const horror = manifest.genres.find(({ name }) => name === "Horror");
        const likely = results.filter(({ probabilities }) => (probabilities.Horror ?? 0) >= (horror?.threshold ?? 1));
        assert.ok(likely.length >= 1 && likely.length < 6);
        assert.deepEqual(await shown(), likely.map(({ file }) => file));
        await page.locator("#filter-genre").selectOption("");
        await page.locator("#sort").selectOption("unsure");
        const entropy = (/** @type {number} */ p) => -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
        assert.deepEqual(await shown(), by(({ probabilities }) => Object.values(probabilities).reduce((sum, p) => sum + (entropy(p) || 0), 0)));

        await page.locator("#sort").selectOption("name");
        assert.deepEqual(await shown(), names.map((name) => `${name}.jpg`).toSorted());
        await marquee.tiles.filter({ hasText: "cellar.jpg" }).click();
        await marquee.waitForResult();
        const top = (await marquee.topGenres())[0];
        const cellar = results.find(({ file }) => file === "cellar.jpg")?.probabilities ?? {};
        assert.ok(Math.abs((cellar[top?.genre ?? ""] ?? NaN) - (top?.probability ?? NaN)) < 0.0061);
        await marquee.back.click();
        assert.equal(await marquee.tiles.count(), 6);
    }));

    test("with a table of its genres is evaluated with the trainer's metrics", () => visit(async (marquee, page) => {
        const data = mkdtempSync(`${tmpdir()}/marquee-`);
        mkdirSync(`${data}/Images`);
        const header = ["Id", "Genre", ...manifest.genres.map(({ name }) => name)];
        const rows = names.map((name, index) => {
            symlinkSync(files[index] ?? "", `${data}/Images/${name}.jpg`);
            return [name, "['?']", ...manifest.genres.map((_, genre) => Number((genre * 7 + index * 3) % 5 === 0))];
        });
        writeFileSync(`${data}/train.csv`, [header, ...rows].map((row) => row.join(",")).join("\n"));
        execFileSync(trainer, ["evaluate", "--bundle", `${root}www/model`, "--data", data, "--json", `${data}/metrics.json`], { stdio: "ignore" });
        /** @type {{ network: Record<string, number> }} */
        const { network: model } = JSON.parse(readFileSync(`${data}/metrics.json`, "utf8"));

        await marquee.open("?device=cpu");
        await marquee.file.setInputFiles([...files, `${data}/train.csv`]);
        await page.getByText("Compared with train.csv (6 posters)").waitFor();
        for (const [name, key] of [["binary cross-entropy", "binary_cross_entropy"], ["weighted F1", "weighted_f1"], ["top-3 hit", "top_3_hit"], ["exact match", "exact_match"]]) {
            const row = page.locator("#evaluation").getByRole("row").filter({ hasText: name }).first();
            const value = Number((await row.getByRole("cell").first().innerText()).trim());
            assert.ok(Math.abs(value - (model[key ?? ""] ?? NaN)) <= 0.00051, `${name}: ${value} is not ${model[key ?? ""]}`);
        }
        await page.locator("#evaluation").getByText("Genre by genre").click();
        await screenshot(page, "evaluated-1280");

        // A table with an error is refused with its row or column.
        writeFileSync(`${data}/other.csv`, "Id,Genre,Drama\nlighthouse,?,maybe\n");
        await marquee.drop([`${data}/other.csv`]);
        await page.getByText('other.csv: row 2: column Drama: "maybe" is neither 0 nor 1').waitFor();
        writeFileSync(`${data}/other.csv`, "Id,Genre,Drama\nlighthouse,?,1\n");
        await marquee.drop([`${data}/other.csv`]);
        await page.getByText(/other\.csv: it has no column for Action/).waitFor();
    }));
});

describe("hundreds of posters", () => {
    test("can be stopped, which keeps the results so far", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.file.setInputFiles(Array.from({ length: 200 }, (_, index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer: poster })));
        await page.getByText(/^\d+ of 200 · /).waitFor();
        await page.getByRole("button", { name: "Stop" }).click();
        await page.getByText(/^Stopped: \d+ of 200 classified/).waitFor();
        await page.waitForTimeout(2000); // requests under way
        const count = Number(/^Stopped: (\d+) of/.exec((await page.locator("#many-status").textContent()) ?? "")?.[1]);
        assert.ok(count > 0 && count < 200, String(count));
        assert.equal(JSON.parse(await saved(page, "Save JSON")).length, count);
    }));
});
