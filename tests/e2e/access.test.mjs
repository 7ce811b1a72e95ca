/** What assistive technology and the keyboard need: announcements, focus, and controls that act only on request. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { poster, root, screenshot, visitor } from "./harness.mjs";
import { addKnownGenre, openTeach, useModel } from "./teach-view.mjs";

const visit = visitor();
const files = ["lighthouse", "saddle", "orbit"].map((name) => `${root}www/samples/${name}.jpg`);

/** Waits until the focused element has this accessible name or id. @param {import("playwright-core").Page} page @param {string} name */
const waitForFocus = (page, name) => page.waitForFunction((name) => (document.activeElement?.ariaLabel ?? document.activeElement?.id) === name, name);

/** Opens the Teach view with three posters and three genres. @param {import("./harness.mjs").Marquee} marquee */
async function openWithGenres(marquee) {
    const { page } = marquee;
    await marquee.open("?device=cpu");
    await marquee.ready();
    await openTeach(page);
    await page.getByLabel("Add training posters").setInputFiles(files);
    await page.locator(".training-poster").nth(2).waitFor();
    for (const genre of ["Drama", "Horror", "Music"]) {
        await addKnownGenre(page, genre);
        await page.locator("#teach-genres").getByText(genre).waitFor();
    }
}

test("the genres of a poster are announced, and no longer once it is refused", () => visit(async (marquee, page) => {
    await marquee.open("?device=cpu");
    await marquee.sample.click();
    await marquee.waitForResult();
    const status = page.locator("#answer");
    assert.equal(await status.getAttribute("role"), "status");
    const top = await marquee.topGenres();
    const text = (await status.textContent()) ?? "";
    assert.deepEqual(text.split(", ").map((part) => part.replace(/ [\d.]+%$/, "")), top.map(({ genre }) => genre));
    await marquee.choose("notes.jpg", Buffer.from("Dear diary"));
    await marquee.waitForResult();
    assert.equal(await status.textContent(), "");
    await marquee.choose("poster.jpg", poster);
    await marquee.waitForResult();
    assert.equal(await status.textContent(), text);
}));

describe("a list of choices", () => {
    test("adds a genre or changes the model on request, not when arrow keys move through it", () => visit(async (marquee, page) => {
        await openWithGenres(marquee);
        await page.getByLabel("Add a known genre").focus();
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("ArrowDown");
        assert.equal(await page.locator("#teach-genres li").count(), 3);
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.locator("#teach-genres li").nth(3).waitFor();
        await waitForFocus(page, "Add a known genre");

        await page.getByLabel("Model", { exact: true }).focus();
        await page.keyboard.press("ArrowUp");
        assert.equal(await page.getByLabel("Model", { exact: true }).locator("option:checked").innerText(), "Built-in model");
        assert.equal(await page.locator(".training-poster").count(), 3);
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.locator("#teach-empty").waitFor();
        assert.equal(await page.locator(".training-poster").count(), 0);
        await useModel(page, "My model");
        await page.locator(".training-poster").nth(2).waitFor();
    }));
});

describe("the focus", () => {
    test("moves to the next genre or poster when one is removed", () => visit(async (marquee, page) => {
        await openWithGenres(marquee);
        for (const next of ["Remove Horror", "Remove Music"]) {
            await page.locator("#teach-genres").getByRole("button", { name: /^Remove/ }).first().click();
            await waitForFocus(page, next);
        }
        await page.keyboard.press("Enter");
        await waitForFocus(page, "Add a known genre");
        await page.getByRole("button", { name: "Remove lighthouse.jpg" }).click();
        await waitForFocus(page, "Remove saddle.jpg");
        await page.keyboard.press("Enter");
        await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 1 && document.activeElement?.ariaLabel?.startsWith("Remove "));
        await page.keyboard.press("Enter");
        await waitForFocus(page, "teach-file");
    }));
});

describe("fields and buttons", () => {
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
        test(`in dialogs have a visible border, ${scheme}`, () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await page.getByRole("button", { name: "Settings" }).click();
            const bare = await page.locator("#settings").evaluate((dialog) => {
                const luminance = (/** @type {string} */ colour) => {
                    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((value) => (Number(value) / 255) ** 2.2);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const ground = luminance(getComputedStyle(dialog).backgroundColor);
                return [...dialog.querySelectorAll("select, input, .button:not(.primary)")].filter((control) => {
                    const { borderTopWidth, borderTopStyle, borderTopColor } = getComputedStyle(control);
                    const edge = luminance(borderTopColor);
                    const contrast = (Math.max(edge, ground) + 0.05) / (Math.min(edge, ground) + 0.05);
                    return borderTopWidth === "0px" || borderTopStyle === "none" || contrast < 3;
                }).map((control) => control.outerHTML);
            });
            assert.deepEqual(bare, []);
        }, { colorScheme: scheme }));
    }

    test("and the genres' bars are there in forced colours", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        await marquee.genre(0).click();
        await screenshot(page, "forced-colors-1280");
        const [filled, empty] = await page.locator("#top .bar").first().evaluate((bar) =>
            [bar.firstElementChild ?? bar, bar].map((part) => getComputedStyle(part).backgroundColor));
        assert.notEqual(filled, empty);
    }, { forcedColors: "active" }));
});

test("at a zoom of 200 % nothing scrolls sideways", () => visit(async (marquee, page) => {
    await marquee.open("?device=cpu");
    await marquee.sample.click();
    await marquee.waitForResult();
    await marquee.genre(0).click();
    await screenshot(page, "zoomed");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
}, { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }));
