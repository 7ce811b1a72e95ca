/** A gallery of two thousand posters: smooth, and with bounded memory. */

import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { describe, test } from "node:test";

import { screenshot, visitor } from "./harness.mjs";

const visit = visitor();
const POSTERS = 2000;

/**
 * Opens the gallery with posters that are classified already: what is tested is the gallery.
 *
 * @param {import("./harness.mjs").Marquee} marquee
 */
async function openLarge(marquee) {
    const { page } = marquee;
    await marquee.open("?device=cpu");
    await marquee.ready();
    await page.evaluate(async (count) => {
        const from = (/** @type {string} */ path) => import(new URL(`js/${path}`, location.href).href);
        const [gallery, views, { restore }] = [await from("gallery.js"), await from("views.js"), await from("settings.js")];
        const { genres } = await (await fetch("model/model.json")).json();
        const thumbnail = await (await fetch("samples/orbit.jpg")).blob();
        const items = Array.from({ length: count }, (_, index) => ({
            index, name: `poster-${index}.jpg`, state: "classified", thumbnail, actual: undefined, reason: "", file: new File([], ""),
            predictions: genres.map((/** @type {{ name: string }} */ { name }, /** @type {number} */ genre) => ({ genre: name, probability: ((index * 37 + genre * 101) % 997) / 997, likely: false }))
                .sort((/** @type {any} */ a, /** @type {any} */ b) => b.probability - a.probability),
        }));
        gallery.applySettings(restore());
        gallery.showReady(genres);
        views.listen(() => {});
        views.open("gallery");
        gallery.start({ items, progress: () => ({ done: count, waiting: 0, took: 1000, rate: 1, left: 0 }), stop() {} });
        gallery.add(items);
        Object.assign(window, { gallery, items });
    }, POSTERS);
    await marquee.tiles.first().waitFor();
}

describe("a gallery of two thousand posters", () => {
    for (const width of [360, 1280, 2560]) {
        test(`has only the tiles near the window, and a scroll takes less than a frame, at ${width} pixels`, (context) => visit(async (marquee, page) => {
            // Measures what the page does in a frame, layout included; how often this machine paints is its own affair.
            await page.addInitScript(() => {
                const request = window.requestAnimationFrame.bind(window);
                const times = Reflect.set(window, "times", []) && Reflect.get(window, "times");
                window.requestAnimationFrame = (callback) => request((now) => {
                    const started = performance.now();
                    callback(now);
                    document.documentElement.getBoundingClientRect();
                    times.push(performance.now() - started);
                });
            });
            await openLarge(marquee);
            const { most, slow, seen, height, row } = await page.evaluate(async () => {
                const list = document.querySelector("#tiles");
                const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
                if (!(list instanceof HTMLElement)) throw new Error("no list");
                await frame();
                const height = list.offsetHeight;
                const row = (list.querySelector("li")?.offsetHeight ?? NaN) + parseFloat(getComputedStyle(list).rowGap);
                let most = 0;
                /** @type {number[]} */
                const times = Reflect.get(window, "times");
                times.length = 0;
                const seen = new Set();
                for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
                    scrollTo(0, y);
                    await frame();
                    most = Math.max(most, list.children.length);
                    for (const tile of list.querySelectorAll(".file")) seen.add(tile.textContent);
                }
                // Half of them are of this test and do nothing.
                times.sort((a, b) => a - b);
                return { most, seen: seen.size, slow: times[Math.floor(0.75 * times.length)], height, row };
            });
            assert.equal(seen, POSTERS, "every poster appears");
            assert.ok(most < 220, `${most} tiles at a time`);
            // Beside other work, times say nothing.
            if ((loadavg()[0] ?? 0) > 2 * availableParallelism()) context.diagnostic(`the machine is busy: ${slow} ms`);
            else assert.ok(slow !== undefined && slow < 16, `half of the scrolls take more than ${slow} ms`);
            const columns = Math.round((POSTERS * row) / height);
            assert.ok(Math.abs(height - Math.ceil(POSTERS / columns) * row) < 2 * row, `${height} pixels high, ${columns} columns, rows of ${row}`);
            console.log(`    ${width} pixels: at most ${most} tiles; half of the scrolls take ${slow?.toFixed(1)} ms or less`);
        }, { viewport: { width, height: 900 } }));
    }

    test("returns to a poster far down, and says where it is", () => visit(async (marquee, page) => {
        await openLarge(marquee);
        await page.evaluate(() => Reflect.get(window, "gallery").enter(Reflect.get(window, "items")[1500]));
        await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("poster-1500.jpg"));
        const tile = marquee.tiles.filter({ hasText: "poster-1500.jpg" });
        const { y = NaN, height = NaN } = (await tile.boundingBox()) ?? {};
        assert.ok(y >= 0 && y + height <= 900, `${y}`);
        const item = page.locator("#tiles > li").filter({ hasText: "poster-1500.jpg" });
        assert.equal(await item.getAttribute("aria-posinset"), "1501");
        assert.equal(await item.getAttribute("aria-setsize"), "2000");
        await screenshot(page, "large-1280").catch(() => {}); // it may be too high for one picture
        // A filter leaves few, from the top.
        await page.locator("#filter-genre").selectOption("Western");
        await page.getByText(/^[\d,]+ of 2,000 shown$/).waitFor();
        assert.ok((await marquee.tiles.count()) > 0);
    }));

    test("keeps no addresses of thumbnails that are not shown", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            let alive = 0;
            const { createObjectURL, revokeObjectURL } = URL;
            URL.createObjectURL = (blob) => {
                alive++;
                return createObjectURL.call(URL, blob);
            };
            URL.revokeObjectURL = (address) => {
                if (address) alive--;
                revokeObjectURL.call(URL, address);
            };
            Object.defineProperty(window, "alive", { get: () => alive });
        });
        await openLarge(marquee);
        const alive = await page.evaluate(async () => {
            for (let y = 0; y < 30_000; y += 1000) {
                scrollTo(0, y);
                await new Promise((resolve) => requestAnimationFrame(resolve));
            }
            await new Promise((resolve) => requestAnimationFrame(resolve));
            return [Reflect.get(window, "alive"), document.querySelectorAll("#tiles li").length];
        });
        assert.ok((alive[0] ?? NaN) <= (alive[1] ?? NaN) + 2, `${alive}`);
    }));
});
