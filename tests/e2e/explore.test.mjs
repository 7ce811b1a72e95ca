/** Moving through a gallery, comparing posters, finding mistakes, correcting them, and undoing. */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { assertNativePredictions, manifest, poster, root, saved, screenshot, visitor } from "./harness.mjs";
import { addKnownGenre, openTeach } from "./teach-view.mjs";

const visit = visitor();
const names = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"];
const files = names.map((name) => `${root}www/samples/${name}.jpg`);

/** Opens the posters in the gallery. @param {import("./harness.mjs").Marquee} marquee @param {string[]} [paths] */
async function openGallery(marquee, paths = files) {
    await marquee.open("?device=cpu");
    await marquee.file.setInputFiles(paths);
    await marquee.page.getByText(/^6 in /).waitFor();
}

/** @param {import("playwright-core").Page} page @param {string} name */
const shows = (page, name) => page.getByRole("img", { name: `Poster: ${name}`, exact: true }).waitFor();

describe("a poster of the gallery", () => {
    test("leads to the next and the previous one by keys and buttons, in the order of the gallery", () => visit(async (marquee, page) => {
        await openGallery(marquee);
        await page.getByLabel("Order").selectOption("name");
        await marquee.tiles.filter({ hasText: "cellar.jpg" }).click();
        await shows(page, "cellar.jpg");
        await page.getByText("2 of 6", { exact: true }).waitFor();
        await page.keyboard.press("ArrowRight");
        await shows(page, "lighthouse.jpg");
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        await page.getByRole("button", { name: "Next poster" }).click();
        await shows(page, "orbit.jpg");
        for (const name of ["lighthouse.jpg", "cellar.jpg", "balloon.jpg"]) {
            await page.keyboard.press("ArrowLeft");
            await shows(page, name);
        }
        // There is none before the first, and arrows in a field are the field's.
        await page.keyboard.press("ArrowLeft");
        await page.getByText("1 of 6", { exact: true }).waitFor();
        assert.equal(await page.getByRole("button", { name: "Previous poster" }).getAttribute("aria-disabled"), "true");
        await page.getByLabel("Sort by").focus();
        await page.keyboard.press("ArrowRight");
        await page.getByText("1 of 6", { exact: true }).waitFor();
        await screenshot(page, "browse-1280");

        // Back leaves the posters at once, and the tile of the last one has the focus.
        await marquee.waitForResult();
        await page.goBack();
        await page.locator("#many").waitFor();
        await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("balloon.jpg"));
    }));

    test("leads to the next and the previous one by swipes", () => visit(async (marquee, page) => {
        await openGallery(marquee);
        await marquee.tiles.first().tap();
        await shows(page, "lighthouse.jpg");
        const session = await page.context().newCDPSession(page);
        const box = await page.locator("#frame").boundingBox();
        assert.ok(box);
        const y = box.y + box.height / 2;
        const swipe = async (/** @type {number} */ dx, /** @type {number} */ dy) => {
            const x = box.x + box.width / 2 - dx / 2;
            await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x, y }] });
            await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x: x + dx, y: y + dy }] });
            await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
        };
        await swipe(-120, 10);
        await shows(page, "saddle.jpg");
        await swipe(120, 0);
        await shows(page, "lighthouse.jpg");
        await swipe(-60, 100); // that scrolls
        await page.getByText("1 of 6", { exact: true }).waitFor();
    }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }));

    test("that was not opened from the gallery has no neighbours", () => visit(async (marquee, page) => {
        await openGallery(marquee);
        await page.getByRole("button", { name: "Close" }).click();
        await marquee.sample.click();
        await shows(page, "The Last Keeper");
        assert.equal(await page.getByRole("button", { name: "Next poster" }).isVisible(), false);
        await page.keyboard.press("ArrowRight");
        await shows(page, "The Last Keeper");
    }));
});

describe("two posters", () => {
    test("are compared side by side, with the evidence for a genre in both", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.choose("mine.jpg", poster);
        await marquee.waitForResult();
        await page.getByRole("button", { name: "Compare" }).click();
        const dialog = page.getByRole("dialog", { name: "Compare two posters" });
        await dialog.getByRole("button", { name: "Compare with Two Under One" }).click();
        await dialog.getByRole("img", { name: "Poster: Two Under One" }).waitFor();
        await dialog.getByRole("img", { name: "Poster: mine.jpg" }).waitFor();
        const genres = dialog.getByRole("list", { name: "Genres of both posters" }).getByRole("listitem");
        assert.equal(await genres.count(), 8);
        const [first] = await marquee.topGenres();
        const row = genres.filter({ hasText: first?.genre ?? "" }).first();
        assert.match(await row.innerText(), new RegExp(`^\\s*${Math.round(100 * (first?.probability ?? NaN))}%`));
        await row.getByRole("button").click();
        for (const name of ["mine.jpg", "Two Under One"]) {
            await dialog.getByRole("img", { name: `${name}: evidence for ${first?.genre}` }).waitFor();
        }
        await screenshot(page, "comparison-1280");
        // A file of the visitor's, and one that is no picture.
        await dialog.getByLabel("Choose a file").setInputFiles({ name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("Dear diary") });
        await dialog.getByText(/^notes\.jpg: this is not a supported image/).waitFor();
        await dialog.getByLabel("Choose a file").setInputFiles(files[4] ?? "");
        await dialog.getByRole("img", { name: "Poster: cellar.jpg" }).waitFor();
        await dialog.getByRole("button", { name: "Close" }).click();
        await dialog.waitFor({ state: "hidden" });
        await shows(page, "mine.jpg");
    }));

    for (const width of [360, 2560]) {
        test(`of a gallery are offered first and fit, at ${width} pixels`, () => visit(async (marquee, page) => {
            await openGallery(marquee);
            await marquee.tiles.filter({ hasText: "orbit.jpg" }).click();
            await marquee.waitForResult();
            await page.getByRole("button", { name: "Compare" }).click();
            const dialog = page.getByRole("dialog", { name: "Compare two posters" });
            await dialog.getByRole("img", { name: "Poster: umbrella.jpg" }).waitFor();
            const wide = await dialog.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
            assert.ok(wide <= 0, `${wide} pixels too wide`);
            await screenshot(page, `comparison-${width}`);
        }, { viewport: { width, height: 900 } }));
    }
});

describe("the mistakes in a gallery", () => {
    test("are shown by a click on their number, and tiles show the actual genres", () => visit(async (marquee, page) => {
        const table = `${mkdtempSync(`${tmpdir()}/marquee-`)}/labels.csv`;
        const genres = manifest.genres.map(({ name }) => name);
        // The lighthouse is a Western, which the model does not say, and not a Drama, which it says.
        const rows = names.map((name) => [name, "?", ...genres.map((genre) => Number(name === "lighthouse" ? genre === "Western" : genre === "Drama"))]);
        writeFileSync(table, [["Id", "Genre", ...genres], ...rows].map((row) => row.join(",")).join("\n"));
        await openGallery(marquee, [...files, table]);
        await page.getByText("Compared with labels.csv (6 posters)").waitFor();
        await marquee.tiles.filter({ hasText: "lighthouse.jpg" }).getByText("Actual: Western").waitFor();
        await marquee.tiles.filter({ hasText: "saddle.jpg" }).getByText("Actual: Drama").waitFor();
        await page.locator("#evaluation").getByText("Genre by genre").click();
        await page.getByRole("button", { name: /^1 wrong: show the posters without Drama/ }).click();
        await page.getByText("Drama wrongly predicted. 1 of 6 shown").waitFor();
        assert.deepEqual(await marquee.tiles.locator(".file").allTextContents(), ["lighthouse.jpg"]);
        await screenshot(page, "mistakes-1280");
        await page.getByRole("button", { name: /^1 missed: show the posters that have Western/ }).click();
        await page.getByText("Western missed. 1 of 6 shown").waitFor();
        // What is saved has them, too.
        /** @type {{ file: string, actual: string[] }[]} */
        const json = JSON.parse(await saved(page, "Save JSON"));
        assert.deepEqual(json.find(({ file }) => file === "lighthouse.jpg")?.actual, ["Western"]);
        const csv = await saved(page, "Save CSV");
        assert.match(csv, /^file,genres,actual,error,/);
        assert.match(csv, /^lighthouse\.jpg,[^,]*,Western,,/m);
        await page.getByRole("button", { name: "Show all" }).click();
        assert.equal(await marquee.tiles.count(), 6);
    }));
});

describe("a wrong answer", () => {
    test("goes to Teach with one click, with the predicted genres ticked", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        const likely = await page.locator("#all-genres li.likely .name").allTextContents();
        assert.ok(likely.length > 0);
        await page.getByRole("button", { name: "This is wrong" }).click();
        await page.getByText("lighthouse.jpg was added. Correct its genres").waitFor();
        const ticked = page.locator(".training-poster").getByRole("button", { pressed: true });
        assert.deepEqual((await ticked.allTextContents()).toSorted(), likely.toSorted());
        assert.equal(await page.evaluate(() => document.activeElement?.className), "tick");
    }));
});

describe("undo", () => {
    test("brings back a training poster with its genres, and a genre with its ticks", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await openTeach(page);
        await page.getByLabel("Add training posters").setInputFiles(files.slice(0, 2));
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 2);
        await addKnownGenre(page, "Western");
        const tile = page.locator(".training-poster").filter({ hasText: "saddle.jpg" });
        await tile.getByRole("button", { name: "Western" }).click();
        await page.getByText("1 of 2").waitFor();

        await tile.getByRole("button", { name: "Remove saddle.jpg" }).click();
        await page.getByText("0 of 1").waitFor();
        await page.getByText("saddle.jpg was removed.").waitFor();
        await page.getByRole("button", { name: "Undo", exact: true }).click();
        await page.getByText("1 of 2").waitFor();
        assert.equal(await tile.getByRole("button", { name: "Western" }).getAttribute("aria-pressed"), "true");

        await page.getByRole("button", { name: "Remove Western" }).click();
        await page.getByRole("button", { name: "Undo", exact: true }).click();
        await page.getByText("1 of 2").waitFor();
        // What was brought back is stored.
        await page.reload();
        await marquee.ready();
        await openTeach(page);
        await page.getByText("1 of 2").waitFor();
    }));

    test("reopens a closed gallery with its results, and classifies the remaining posters", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.file.setInputFiles(Array.from({ length: 60 }, (_, index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer: poster })));
        await page.getByText(/^[1-9]\d* of 60 · /).waitFor();
        await page.getByRole("button", { name: "Close" }).click();
        await page.getByText("The gallery of 60 posters was closed.").waitFor();
        await page.locator("#drop").waitFor();
        await page.getByRole("button", { name: "Undo", exact: true }).click();
        await page.locator("#many").waitFor();
        await page.getByText(/^60 in /).waitFor();
        assert.match(await page.locator("#many-title").innerText(), /^60 posters/);
    }));
});
