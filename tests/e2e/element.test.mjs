/** `<marquee-poster>`: in numbers, by keyboard, with a strict content security policy, and with errors. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

import { nativePredictions, poster, root, sample, screenshot, url, visitor } from "./harness.mjs";

const visit = visitor();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const top3 = [...nativePredictions].slice(0, 3).map(([genre]) => genre);

/**
 * Opens a page with some elements, and counts their events.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} body
 * @param {string} [policy]  content security policy
 */
async function open(page, body, policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob:") {
    await page.route("**/elements.html", (route) => route.fulfill({
        contentType: "text/html",
        headers: { "content-security-policy": policy },
        body: `<!doctype html><html lang="en"><title>Elements</title><script type="module" src="marquee/element.js"></script><main><h1>Elements</h1>${body}</main></html>`,
    }));
    await page.addInitScript(() => {
        /** @type {string[]} */
        const events = [];
        Object.assign(window, { events });
        document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => events.push(`violation of ${violatedDirective}`));
        for (const type of ["classified", "error"]) document.addEventListener(type, (event) => {
            if (event.target instanceof HTMLElement && event.target.localName === "marquee-poster") events.push(type);
        }, true);
    });
    await page.goto(`${url}elements.html`);
}

/** @param {import("playwright-core").Page} page @param {number} count */
const waitForEvents = (page, count) => page.waitForFunction((count) => Reflect.get(window, "events").length >= count, count);

test("embed.html classifies a chosen file with one element", () => visit(async (_, page) => {
    assert.ok(readFileSync(`${root}www/embed.html`, "utf8").trim().split("\n").length <= 20);
    await page.goto(`${url}embed.html`);
    await page.locator("marquee-poster").getByRole("button", { name: "Choose a poster, or drop one here" }).waitFor();
    await page.locator("marquee-poster input").setInputFiles(sample);
    const genres = page.getByRole("list", { name: "Genres" }).getByRole("listitem");
    await genres.first().waitFor();
    assert.deepEqual((await genres.allInnerTexts()).map((text) => text.replace(/\s+\d+%\s*$/, "")), top3);
}));

describe("the element", () => {
    test("works twenty times on a page with a strict policy, from one instance, and passes axe", () => visit(async (_, page) => {
        const names = ["lighthouse", "saddle", "orbit", "umbrella"];
        await open(page, Array.from({ length: 20 }, (_, index) => `<marquee-poster src="samples/${names[index % 4]}.jpg" top="${1 + (index % 3)}" heatmap></marquee-poster>`).join(""));
        await waitForEvents(page, 20);
        assert.deepEqual(await page.evaluate(() => Reflect.get(window, "events")), Array(20).fill("classified"));
        const counts = await page.locator("marquee-poster").evaluateAll((elements) => elements.map((element) => element.shadowRoot?.querySelectorAll("li").length));
        assert.deepEqual(counts, Array.from({ length: 20 }, (_, index) => 1 + (index % 3)));
        const cores = await page.evaluate(() => navigator.hardwareConcurrency);
        assert.ok(page.workers().filter((worker) => /worker-cpu[^/]*\.js$/.test(worker.url())).length <= Math.min(cores, 8));
        await page.addScriptTag({ content: axe }).catch(() => page.evaluate(axe)); // the policy forbids the first way
        const { violations } = await page.evaluate(() => Reflect.get(window, "axe").run());
        assert.deepEqual(violations.map((/** @type {{ id: string, nodes: { html: string }[] }} */ { id, nodes }) => `${id}: ${nodes[0]?.html}`), []);
        await screenshot(page, "elements-1280");
        // The instance is closed after the last element.
        await page.evaluate(() => document.querySelector("main")?.replaceChildren());
        for (let tries = 0; page.workers().length && tries < 100; tries++) await page.waitForTimeout(100);
        assert.deepEqual(page.workers().length, 0);
    }));

    test("is used by keyboard, and takes drops, parts, and changes of its attributes", () => visit(async (_, page) => {
        // Playwright intercepts file choosers from the first listener on, but not at once.
        page.on("filechooser", () => {});
        await open(page, '<style>marquee-poster::part(genre) { color: rgb(1, 2, 3); } marquee-poster { --marquee-accent: rgb(4, 5, 6); }</style><marquee-poster top="2" heatmap></marquee-poster>', "script-src 'self' 'wasm-unsafe-eval'");
        const element = page.locator("marquee-poster");
        await element.getByRole("button", { name: "Choose a poster" }).waitFor();
        await page.keyboard.press("Tab");
        await page.waitForFunction(() => document.activeElement?.localName === "marquee-poster");
        const chooser = page.waitForEvent("filechooser");
        await page.keyboard.press("Enter");
        await (await chooser).setFiles(sample);
        await waitForEvents(page, 1);
        const genre = element.getByRole("button", { name: new RegExp(`^${top3[0]}`) });
        assert.equal(await genre.evaluate((row) => getComputedStyle(row).color), "rgb(1, 2, 3)");
        assert.equal(await genre.locator(".bar > span").evaluate((bar) => getComputedStyle(bar).backgroundColor), "rgb(4, 5, 6)");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Space");
        assert.equal(await genre.getAttribute("aria-pressed"), "true");
        await element.getByRole("img", { name: `Evidence for ${top3[0]}` }).waitFor();
        await element.evaluate((element) => element.setAttribute("top", "5"));
        assert.equal(await element.getByRole("listitem").count(), 5);

        await element.evaluate((element, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "dropped.jpg"));
            element.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }, [...poster]);
        await waitForEvents(page, 2);
        await element.getByRole("img", { name: "Poster: dropped.jpg" }).waitFor();
        await element.evaluate((element) => element.setAttribute("src", "samples/missing.jpg"));
        await waitForEvents(page, 3);
        assert.deepEqual(await page.evaluate(() => Reflect.get(window, "events")), ["classified", "classified", "error"]);
        await element.getByRole("alert").filter({ hasText: /missing\.jpg cannot be loaded: the server responded 404/ }).waitFor();
        await element.evaluate((element) => element.setAttribute("src", "samples/orbit.jpg"));
        await waitForEvents(page, 4);
        await element.getByRole("alert").filter({ hasText: /./ }).waitFor({ state: "hidden" });
    }));

    test("of two versions on a page is a clear error", () => visit(async (_, page) => {
        await open(page, "");
        await page.route("**/other/**", (route) => route.continue({ url: route.request().url().replace("/other/", "/") }));
        await page.route("**/other/pkg/assets.js", async (route) => {
            const response = await route.fetch({ url: route.request().url().replace("/other/", "/") });
            await route.fulfill({ response, body: (await response.text()).replace(/version = "[^"]*"/, 'version = "9.9.9"') });
        });
        await page.waitForFunction(() => customElements.get("marquee-poster"));
        const message = await page.evaluate(() => import(new URL("other/marquee/element.js", location.href).href).then(() => "", ({ code, message }) => `${code}: ${message}`));
        assert.match(message, /^two-versions: <marquee-poster> is already defined by version [\d.]+ of @marquee\/web; this is 9\.9\.9/);
    }));
});
