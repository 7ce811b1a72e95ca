/** The page's views: Back leaves a view, galleries are not lost, and all views show the model in use. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { poster, root, visitor, withManifest } from "./harness.mjs";
import { openTeach, useModel } from "./teach-view.mjs";

const visit = visitor();
const names = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"];
const files = names.map((name) => `${root}www/samples/${name}.jpg`);

/** The built-in model with another name for Drama, as a file. */
const renamed = withManifest(readFileSync(`${root}www/model/model.json`, "utf8").replace('"name": "Drama"', '"name": "Stage play"'));

/** @param {number} count */
const many = (count) => Array.from({ length: count }, (_, index) => ({ name: `old-${index}.jpg`, mimeType: "image/jpeg", buffer: poster }));

/** Opens the posters in the gallery. @param {import("./harness.mjs").Marquee} marquee @param {string[]} [paths] */
async function openGallery(marquee, paths = files) {
    await marquee.file.setInputFiles(paths);
    await marquee.page.getByText(new RegExp(`^${paths.length} in `)).waitFor();
}

describe("Back", () => {
    test("leaves the poster, the gallery and the Teach view, and Forward returns to them", () => visit(async (marquee, page) => {
        const shows = (/** @type {string} */ id) => page.locator(id).waitFor();
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await page.getByRole("img", { name: "Poster: The Last Keeper" }).waitFor();
        await marquee.waitForResult();
        await openGallery(marquee);
        await marquee.tiles.filter({ hasText: "cellar.jpg" }).click();
        await page.getByRole("img", { name: "Poster: cellar.jpg" }).waitFor();
        await openTeach(page);

        await page.goBack();
        await page.getByRole("img", { name: "Poster: cellar.jpg" }).waitFor();
        await page.goBack();
        await shows("#many");
        assert.equal(await marquee.tiles.count(), 6);
        await page.goBack();
        await page.getByRole("img", { name: "Poster: The Last Keeper" }).waitFor();
        assert.equal(await page.locator("#many").isVisible(), false);
        await page.goForward();
        await shows("#many");
        await page.goForward();
        await page.getByRole("img", { name: "Poster: cellar.jpg" }).waitFor();
        await page.goForward();
        await shows("#teach");
        // A button that closes a view goes back too, so the history does not grow.
        await page.getByRole("button", { name: "Close" }).click();
        await page.getByRole("img", { name: "Poster: cellar.jpg" }).waitFor();
        await marquee.back.click();
        await shows("#many");
        await page.goBack();
        await page.getByRole("img", { name: "Poster: The Last Keeper" }).waitFor();
    }));

    test("does not return to a gallery that was closed", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await openGallery(marquee);
        await page.getByRole("button", { name: "Close" }).click();
        await page.locator("#drop").waitFor();
        await page.goForward();
        await page.locator("#drop").waitFor();
        assert.equal(await page.locator("#many").isVisible(), false);
    }));
});

describe("a gallery", () => {
    test("that replaces another one gets none of its results", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.file.setInputFiles(many(60));
        await page.getByText(/^[1-9]\d* of 60 · /).waitFor();
        await marquee.file.setInputFiles(files);
        await page.getByRole("button", { name: "Replace" }).click();
        await page.getByText(/^6 in /).waitFor();
        const shown = await marquee.tiles.locator(".file").allTextContents();
        assert.deepEqual(shown, names.map((name) => `${name}.jpg`));
    }));

    test("that is closed at work leaves nothing behind", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.file.setInputFiles(many(60));
        await page.getByText(/^[1-9]\d* of 60 · /).waitFor();
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.file.setInputFiles(files.slice(0, 2));
        await page.getByText(/^2 in /).waitFor();
        assert.deepEqual(await marquee.tiles.locator(".file").allTextContents(), ["lighthouse.jpg", "saddle.jpg"]);
    }));

    test("keeps its posters when more are added, and asks before it loses them", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await openGallery(marquee, files.slice(0, 2));
        await marquee.file.setInputFiles(files.slice(2, 4));
        await page.getByText("Add 2 posters to the 2 in the gallery, or replace them?").waitFor();
        await page.getByRole("button", { name: "Cancel" }).click();
        assert.equal(await marquee.tiles.count(), 2);
        await marquee.file.setInputFiles(files.slice(2, 4));
        await page.getByRole("button", { name: "Add", exact: true }).click();
        await page.getByRole("heading", { name: "4 posters" }).waitFor();
        await page.getByText(/^4 in /).waitFor();
        assert.deepEqual(await marquee.tiles.locator(".file").allTextContents(), names.slice(0, 4).map((name) => `${name}.jpg`));
    }));

    test("stays within reach when one poster is dropped", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await openGallery(marquee);
        await marquee.choose("one.jpg", poster);
        await page.getByRole("img", { name: "Poster: one.jpg" }).waitFor();
        await marquee.back.click();
        assert.equal(await marquee.tiles.count(), 6);
    }));

    test("shows the predictions of the model in use, and names it", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await openGallery(marquee);
        const hasGenre = (/** @type {string} */ genre) => page.locator("#filter-genre option").filter({ hasText: genre }).count();
        assert.equal(await hasGenre("Stage play"), 0);
        const before = await marquee.tiles.allInnerTexts();
        assert.ok(before.some((text) => text.includes("Drama")), before.join());

        await openTeach(page);
        await page.getByLabel("Add training posters").setInputFiles({ name: "Plays.safetensors", mimeType: "", buffer: renamed });
        await page.getByText("“Plays” is now in use.").waitFor();
        await page.getByRole("button", { name: "Close" }).click();
        await page.getByText(/^6 in .* with “Plays”$/).waitFor();
        const after = await marquee.tiles.allInnerTexts();
        assert.deepEqual(after.map((text) => text.replaceAll("Stage play", "Drama")), before);
        assert.ok(!after.some((text) => text.includes("Drama")), after.join());
        assert.equal(await hasGenre("Stage play"), 1);

        await openTeach(page);
        await useModel(page, "Built-in model");
        await page.getByRole("button", { name: "Close" }).click();
        await page.waitForFunction((before) => {
            const texts = [...document.querySelectorAll(".tile")].map((tile) => tile instanceof HTMLElement ? tile.innerText : "");
            return JSON.stringify(texts) === JSON.stringify(before);
        }, before);
    }));
});

describe("a drag over the window", () => {
    test("shows that posters can be dropped anywhere, until it ends", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        const overlay = page.locator("#overlay");
        const drag = (/** @type {string} */ type) => page.locator("footer").dispatchEvent(type);
        await drag("dragover");
        await page.getByText("Drop posters anywhere").waitFor();
        const { width, height } = (await overlay.boundingBox()) ?? {};
        assert.deepEqual([width, height], [1280, 900]);
        await drag("dragleave");
        await overlay.waitFor({ state: "hidden" });
        await openTeach(page);
        await drag("dragover");
        await page.getByText("Drop posters to train on").waitFor();
        await drag("drop");
        await overlay.waitFor({ state: "hidden" });
    }));
});
