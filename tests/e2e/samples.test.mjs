/** The sample posters, and what a visitor sees before choosing a poster. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { assertNativePredictions, poster, predictNatively, root, screenshot, visitor } from "./harness.mjs";

const visit = visitor();

/**
 * What each sample was drawn as. Few Westerns and films of one genre only were there to train on, so some have two.
 *
 * @type {Record<string, string[]>}
 */
const INTENDED = {
    lighthouse: ["Drama"],
    saddle: ["Western", "Adventure"],
    orbit: ["Sci-Fi"],
    umbrella: ["Romance", "Comedy"],
    cellar: ["Horror"],
    balloon: ["Animation"],
};

describe("the sample posters", () => {
    for (const [name, intended] of Object.entries(INTENDED)) {
        test(`${name}: the model puts ${intended.join(" or ")} first or second`, () => {
            const genres = [...predictNatively(readFileSync(`${root}www/samples/${name}.jpg`))];
            assert.ok(genres.slice(0, 2).some(([genre]) => intended.includes(genre)), JSON.stringify(genres.slice(0, 4)));
        });
    }

    for (const width of [360, 1280, 2560]) {
        test(`are large enough to be chosen by what they show, at ${width} pixels`, () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await marquee.ready();
            const buttons = page.locator("#samples").getByRole("button", { name: /^Sample: / });
            assert.equal(await buttons.count(), 6);
            for (const button of await buttons.all()) {
                const { width = 0, height = 0 } = (await button.boundingBox()) ?? {};
                assert.ok(width >= 100 && height >= 150, `${width} x ${height}`);
            }
        }, { viewport: { width, height: 900 } }));
    }
});

describe("before anything is chosen", () => {
    test("a sample is classified, says that it is one, and shows its heatmap", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.getByText("This is a sample. Drop a poster").waitFor();
        await marquee.waitForResult();
        await assertNativePredictions(marquee, predictNatively(readFileSync(`${root}www/samples/balloon.jpg`)));
        assert.equal(await page.locator("#stamp").textContent(), "Sample");
        assert.equal(await page.locator("#first-map").isVisible(), true);
        assert.equal(await marquee.genre(0).getAttribute("aria-pressed"), "true");
        assert.equal(await page.locator("#answer").textContent(), "", "the visitor did not ask for it, so it is not announced");
        await screenshot(page, "first-1280");

        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        for (const id of ["#stamp", "#intro", "#first-map"]) assert.equal(await page.locator(id).isVisible(), false, id);
        assert.equal(await marquee.all.first().isVisible(), true);
    }));

    test("the choice of a poster is above the fold", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.waitForResult();
        for (const part of [page.locator(".choose"), page.locator("#preview"), marquee.top.last()]) {
            const { y = NaN, height = NaN } = (await part.boundingBox()) ?? {};
            assert.ok(y >= 0 && y + height <= 720, `${y} + ${height}`);
        }
    }, { viewport: { width: 1280, height: 720 } }));

    test("a poster that is chosen while the model loads is answered first", () => visit(async (marquee, page) => {
        await page.route("**/pkg/cpu*/*.wasm", async (route) => {
            await page.locator("#preview[alt='Poster: lighthouse.jpg']").waitFor();
            await route.continue();
        });
        await marquee.open("?device=cpu");
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        assert.equal(await page.locator("#stamp").isVisible(), false);
    }));

    test("three steps explain how it works", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        const how = page.getByRole("region", { name: "How it works" });
        assert.equal(await how.getByRole("listitem").count(), 3);
        assert.equal(await how.locator("svg").count(), 3);
        await marquee.ready();
        await page.getByRole("button", { name: "Teach" }).click();
        await how.waitFor({ state: "hidden" });
    }));
});
