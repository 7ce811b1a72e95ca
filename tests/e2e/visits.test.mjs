/** Visits in circumstances that tests bring about in Chromium: real drags, a slow network, less motion. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, describe, test } from "node:test";

import { assertNativePredictions, poster, root, sample, visitor } from "./harness.mjs";
import { serveFolder } from "./site.mjs";

const visit = visitor();

/** @typedef {import("playwright-core").Page} Page */

/**
 * Returns a function that moves files or folders from the system over the page, or drops them.
 *
 * @param {Page} page
 * @param {string[]} paths
 */
async function dragging(page, paths) {
    const session = await page.context().newCDPSession(page);
    return (/** @type {"dragEnter" | "dragOver" | "drop"} */ type) =>
        session.send("Input.dispatchDragEvent", { type, x: 600, y: 400, data: { items: [], files: paths, dragOperationsMask: 1 } });
}

/**
 * Drags files or folders from the system over the page, and drops them.
 *
 * @param {Page} page
 * @param {string[]} paths
 * @param {() => Promise<void>} [beforeDrop]
 */
async function drag(page, paths, beforeDrop = async () => {}) {
    const move = await dragging(page, paths);
    await move("dragEnter");
    // Systems repeat it until the drop.
    let isOver = true;
    const ready = beforeDrop().finally(() => (isOver = false));
    do {
        await move("dragOver");
        await page.waitForTimeout(50);
    } while (isOver);
    await ready;
    await move("drop");
}

describe("what is dragged from the system", () => {
    test("is announced over the window, and a file is classified", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await drag(page, [sample], () => page.getByText("Drop posters anywhere").waitFor());
        // Until then, the result is that of the page's own sample.
        await page.getByRole("img", { name: "Poster: lighthouse.jpg" }).waitFor();
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        assert.equal(await page.locator("#overlay").isVisible(), false);
    }));

    test("is classified though something else appears under the pointer", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        const move = await dragging(page, [sample]);
        await move("dragEnter");
        await move("dragOver");
        await page.evaluate(() => {
            const cover = document.body.appendChild(document.createElement("div"));
            cover.style.cssText = "position: fixed; inset: 0; z-index: 1";
        });
        await move("drop");
        await page.getByRole("img", { name: "Poster: lighthouse.jpg" }).waitFor();
    }));

    test("may be files and folders within folders, without what the system keeps in them", () => visit(async (marquee, page) => {
        const folder = mkdtempSync(`${tmpdir()}/marquee-dragged-`);
        mkdirSync(`${folder}/posters/old/empty`, { recursive: true });
        for (const [name, place] of [["saddle", "posters"], ["orbit", "posters/old"], ["cellar", "."]]) copyFileSync(`${root}www/samples/${name}.jpg`, `${folder}/${place}/${name}.jpg`);
        writeFileSync(`${folder}/posters/.DS_Store`, "system");
        writeFileSync(`${folder}/posters/notes.txt`, "Dear diary");
        await marquee.open("?device=cpu");
        await marquee.ready();
        await drag(page, [`${folder}/posters`, `${folder}/cellar.jpg`]);
        await page.getByText(/^4 in /).waitFor();
        assert.equal(await marquee.tiles.count(), 3);
        await page.getByText("1 file was not classified").waitFor();
    }));
});

describe("on a slow network", () => {
    /** @type {Awaited<ReturnType<typeof serveFolder>>} */
    let site;
    before(async () => {
        site = await serveFolder(`${root}www`, { latency: 150 });
    });
    after(() => site.close());

    test("a poster is shown at once, and classified when the model is there", () => visit(async (marquee, page) => {
        await page.goto(`${site.address}?device=cpu`);
        await marquee.choose("lighthouse.jpg", poster);
        await page.getByRole("img", { name: "Poster: lighthouse.jpg" }).waitFor();
        /** @type {number[]} */
        const shown = [];
        while (await page.locator("#loading").isVisible()) shown.push(await page.locator("#progress").evaluate((bar) => (bar instanceof HTMLProgressElement ? bar.value : NaN)));
        assert.ok(new Set(shown).size > 2, "the progress moves");
        assert.deepEqual(shown, shown.toSorted((a, b) => a - b), "and never back");
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
    }));
});

test("a visitor who prefers less motion sees nothing move", () => visit(async (marquee, page) => {
    await marquee.open("?device=cpu");
    await marquee.sample.click();
    await marquee.waitForResult();
    await marquee.genre(0).click();
    const moving = await page.evaluate(() =>
        [...document.querySelectorAll("*")].filter((element) => {
            const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
            return /[1-9]/.test(transitionDuration) || animationName !== "none" || scrollBehavior === "smooth";
        }).map(({ outerHTML }) => outerHTML.slice(0, 100)));
    assert.deepEqual(moving, []);
}, { reducedMotion: "reduce" }));
