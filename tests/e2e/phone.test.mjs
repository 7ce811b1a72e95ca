/** The page on a phone: 360 x 740 pixels and touch. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { append, launch, Marquee, root, screenshot, visitor } from "./harness.mjs";
import { addKnownGenre } from "./teach-view.mjs";

const visitAnyhow = visitor();
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
/** @param {Parameters<typeof visitAnyhow>[0]} work */
const visit = (work) => visitAnyhow(work, PHONE);

const files = ["lighthouse", "saddle", "orbit", "umbrella"].map((name) => `${root}www/samples/${name}.jpg`);

/** Smallest side of what a finger must hit, in pixels. */
const FINGER = 44;

/**
 * Asserts that everything that can be touched is large enough, and that nothing scrolls sideways.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} state
 */
async function fitsFingers(page, state) {
    await screenshot(page, `phone-${state}`);
    const { small, overflow } = await page.evaluate((finger) => {
        const dialog = document.querySelector("dialog[open]");
        const small = [...(dialog ?? document).querySelectorAll("button, select, input, summary, a[href]:not(.skip)")].flatMap((control) => {
            // A file input covers its label.
            const target = control.matches("[type=file]") ? control.closest("label") ?? control : control;
            const { width, height } = target.getBoundingClientRect();
            const isShown = target.checkVisibility({ visibilityProperty: true }) && width > 0;
            return isShown && Math.min(width, height) < finger - 0.5 ? [`${target.id || target.className || target.textContent}: ${width} x ${height}`] : [];
        });
        return { small, overflow: document.documentElement.scrollWidth - innerWidth };
    }, FINGER);
    assert.deepEqual(small, [], state);
    assert.ok(overflow <= 0, `${state}: ${overflow} pixels too wide`);
}

/** Returns the lower edge of an element, in pixels from the window's top. @param {import("playwright-core").Locator} locator */
async function bottomOf(locator) {
    const box = await locator.boundingBox();
    assert.ok(box && box.y >= 0, "the element is not in the window");
    return box.y + box.height;
}

describe("on a phone", () => {
    test("the picture and its top genres are on one screen, with a heatmap and without", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await fitsFingers(page, "empty");
        await marquee.sample.tap();
        await marquee.waitForResult();
        await page.evaluate(() => scrollTo(0, 0));
        const bar = (await page.locator(".choose").boundingBox())?.y ?? NaN;
        for (const step of ["result", "heatmap", "compared"]) {
            assert.ok((await bottomOf(page.locator("#preview"))) <= bar, step);
            assert.ok((await bottomOf(marquee.top.last())) <= bar, `${step}: the last top genre is below ${bar}`);
            const { width = 0 } = (await page.locator("#preview").boundingBox()) ?? {};
            assert.ok(width >= 140, `${step}: the picture is ${width} pixels wide`);
            await fitsFingers(page, step);
            await marquee.genre(step === "result" ? 0 : 1).tap();
            await page.evaluate(() => scrollTo(0, 0));
        }
    }));

    test("the camera is always within reach", async () => {
        const browser = await launch(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
        try {
            const context = await browser.newContext({ ...PHONE, permissions: ["camera"] });
            const page = await context.newPage();
            const marquee = await new Marquee(page).open("?device=cpu");
            await marquee.ready();
            await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
            await page.getByRole("button", { name: "Camera" }).tap();
            await page.locator("#shoot:enabled").waitFor();
            await fitsFingers(page, "camera");
            // What is shown is what is taken.
            const { width = NaN, height = NaN } = (await page.locator("#viewfinder").boundingBox()) ?? {};
            assert.ok(Math.abs(width / height - 2 / 3) < 0.01, `${width} x ${height}`);
            await page.locator("#shoot").tap();
            await page.getByRole("img", { name: "Poster: camera.jpg" }).waitFor();
            await marquee.waitForResult();
            assert.equal(await marquee.error.textContent(), "");
        } finally {
            await browser.close();
        }
    });

    test("the genres are shared with the phone's own dialog", () => visit(async (marquee, page) => {
        await append(page, "js/share.js", `
            navigator.share = async (data) => { window.shared = data; };`);
        await marquee.open("?device=cpu");
        await marquee.sample.tap();
        await marquee.waitForResult();
        await page.getByRole("button", { name: "Share" }).tap();
        const dialog = page.getByRole("dialog", { name: "Take it along" });
        await fitsFingers(page, "share");
        await dialog.getByRole("button", { name: "Share" }).tap();
        await page.waitForFunction(() => Reflect.get(window, "shared"));
        /** @type {{ text: string, url: string }} */
        const { text, url } = await page.evaluate(() => Reflect.get(window, "shared"));
        const [first] = await marquee.topGenres();
        assert.match(text, new RegExp(`^The Last Keeper: ${first?.genre} [\\d.]+%, `));
        assert.match(url, /\?device=cpu$/);
    }));

    test("the gallery, the Teach view and the dialogs fit fingers", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.file.setInputFiles(files);
        await page.getByText(/^4 in /).waitFor();
        await fitsFingers(page, "gallery");
        await page.getByRole("button", { name: "Train on these" }).tap();
        await page.locator(".training-poster").nth(3).waitFor();
        await addKnownGenre(page, "Western");
        await page.locator(".training-poster").first().getByRole("button", { name: "Western" }).tap();
        await fitsFingers(page, "teach");
        // The controls of the training are in view wherever the page is scrolled.
        for (const share of [0, 0.3]) {
            await page.evaluate((share) => scrollTo(0, share * document.body.scrollHeight), share);
            assert.ok((await bottomOf(page.getByRole("button", { name: "Train", exact: true }))) <= PHONE.viewport.height);
        }
        await page.getByRole("button", { name: "Settings" }).tap();
        await fitsFingers(page, "settings");
        await page.getByRole("button", { name: "Done" }).tap();
        await page.getByRole("button", { name: "About the model" }).tap();
        await page.getByRole("dialog", { name: "About the model" }).getByText("Too few training posters").waitFor();
        await fitsFingers(page, "card");
    }));
});
