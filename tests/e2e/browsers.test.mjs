/** What must work in Chromium, Firefox and WebKit alike. What only Chromium can show is in the other files. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { after, before, describe, test } from "node:test";

import { ar } from "../../www/js/strings/ar.js";
import { BROWSERS, until } from "./browsers.mjs";
import { nativePredictions, root, sample } from "./harness.mjs";
import { serveFolder } from "./site.mjs";

/** @typedef {import("./browsers.mjs").Tab} Tab */
/** @typedef {{ name: string, base64: string }} Dropped */

const samples = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"].map((name) => `${root}www/samples/${name}.jpg`);

/** @param {string} path @returns {Dropped} */
const read = (path) => ({ name: basename(path), base64: readFileSync(path, "base64") });

/** @param {string} name @param {string} text @returns {Dropped} */
const written = (name, text) => ({ name, base64: Buffer.from(text).toString("base64") });

/** Drops files on the page. @param {Tab} tab @param {Dropped[]} files */
function drop(tab, files) {
    return tab.run((files) => {
        const data = new DataTransfer();
        for (const { name, base64 } of files) {
            const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
            data.items.add(new File([bytes], name));
        }
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, files);
}

/** Waits for some text. @param {Tab} tab @param {string} selector @param {RegExp} pattern @returns {Promise<string>} */
function text(tab, selector, pattern) {
    return until(tab, `${pattern} in ${selector}`, (selector, source) => {
        const shown = document.querySelector(selector)?.textContent ?? "";
        return new RegExp(source).test(shown) ? shown : "";
    }, selector, pattern.source);
}

/** Waits until an element is shown, and clicks it. @param {Tab} tab @param {string} selector */
async function click(tab, selector) {
    await until(tab, selector, (selector) => {
        const element = document.querySelector(selector);
        return element?.checkVisibility() && !element.matches(":disabled");
    }, selector);
    await tab.click(selector);
}

/** Sets a field's value as a visitor does. @param {Tab} tab @param {string} selector @param {string} value */
function fill(tab, selector, value) {
    return tab.run((selector, value) => {
        const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (document.querySelector(selector));
        field.value = value;
        field.dispatchEvent(new Event("change", { bubbles: true }));
    }, selector, value);
}

/** Waits until the page can be used. @param {Tab} tab */
function ready(tab) {
    return until(tab, "the model", () => document.querySelector("#loading")?.checkVisibility() === false);
}

/** Waits for a result, and returns the top genres as they are shown. @param {Tab} tab */
function topGenres(tab) {
    return until(tab, "a result", () => {
        const isBusy = document.querySelector("[aria-busy=true]");
        const names = [...document.querySelectorAll("#top .name")].map((name) => name.textContent);
        return isBusy || !names.length ? undefined : names;
    });
}

/** Waits until the top genres are the native run's of the sample, and compares the first probability. @param {Tab} tab */
async function isLikeNatively(tab) {
    const expected = [...nativePredictions.keys()].slice(0, 3).join();
    await until(tab, `the genres ${expected}`, (expected) => {
        const isBusy = document.querySelector("[aria-busy=true]");
        const names = [...document.querySelectorAll("#top .name")].map((name) => name.textContent);
        return !isBusy && names.join() === expected;
    }, expected);
    const [probability = NaN] = nativePredictions.values();
    const shown = await text(tab, "#top .percent", /\d/);
    assert.ok(Math.abs(parseFloat(shown) - 100 * probability) <= 0.61, `${shown} here, ${probability} natively`);
}

/** Teaches a new model the genre Sea, for a few steps. @param {Tab} tab */
async function teach(tab) {
    await click(tab, "#open-teach");
    await until(tab, "Teach", () => document.querySelector("#teach")?.checkVisibility());
    const posters = samples.map((path, index) => ({ ...read(path), name: `tt${index}.jpg` }));
    const rows = posters.map((_, index) => `tt${index},"['${index % 2 ? "Sea" : "Land"}']",${index % 2}`);
    await drop(tab, [...posters, written("labels.csv", `Id,Genre,Sea\n${rows.join("\n")}\n`)]);
    await text(tab, "#teach-genres", /Sea\s*3 of 6/);
    await fill(tab, "#steps", "5");
    await click(tab, "#train");
    await text(tab, "#training-status", /Trained on 6 posters/);
}

/** Drops a poster, and waits for the taught model's answer. @param {Tab} tab */
async function usesTaughtModel(tab) {
    await drop(tab, [read(sample)]);
    await text(tab, "#model-name", /with “My model”/);
    await text(tab, "#all-genres", /Sea/);
}

/** Whether the page's storage takes files, which some browsers refuse in private windows. @param {Tab} tab */
function storesFiles(tab) {
    return tab.run(async () => {
        const request = indexedDB.open("a test of files");
        request.onupgradeneeded = () => request.result.createObjectStore("files");
        /** @type {IDBDatabase} */
        const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
        const put = database.transaction("files", "readwrite").objectStore("files").put(new Blob(["a file"]), 1);
        return new Promise((resolve) => {
            put.onsuccess = () => resolve(true);
            put.onerror = () => resolve(false);
        });
    });
}

for (const { name, missing, launch } of BROWSERS) {
    describe(`in ${name}`, { skip: missing }, () => {
        /** @type {import("./browsers.mjs").Running} */
        let browser;
        before(async () => {
            browser = await launch();
        });
        after(() => browser?.close());

        /**
         * Tests a visit to the page at an address of its own.
         *
         * @param {string} what
         * @param {(tab: Tab, site: Awaited<ReturnType<typeof serveFolder>>, context: import("node:test").TestContext) => Promise<void>} work
         */
        const visit = (what, work) => test(what, async (context) => {
            const site = await serveFolder(`${root}www`);
            try {
                const tab = await browser.tab();
                await tab.open(`${site.address}?device=cpu`);
                await ready(tab);
                await work(tab, site, context);
            } finally {
                await site.close();
            }
        });

        visit("a poster that is chosen is classified as natively", async (tab, _, context) => {
            if (!tab.choose) return context.skip("this browser's driver fills no file inputs");
            await tab.choose("#file", [sample]);
            await isLikeNatively(tab);
        });

        visit("a poster that is dropped is classified as natively, and its heatmap is painted and goes", async (tab) => {
            await drop(tab, [read(sample)]);
            await isLikeNatively(tab);
            await click(tab, "#top button");
            const painted = await until(tab, "a heatmap", () => {
                const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#first-map"));
                const data = canvas.checkVisibility() ? canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data : [];
                return new Set(data).size;
            });
            assert.ok(painted > 100, `${painted} different values`);
            assert.equal(await text(tab, "#first-caption", /\w/), [...nativePredictions.keys()][0]);
            await click(tab, "#top button");
            await until(tab, "no heatmap", () => document.querySelector("#first-map")?.checkVisibility() === false);
        });

        visit("several posters make a gallery, which a tile leaves and Back returns to", async (tab) => {
            await drop(tab, [...samples.map(read), written("notes.jpg", "Dear diary")]);
            await text(tab, "#many-status", /^7 in /);
            const tiles = () => tab.run(() => document.querySelectorAll("#tiles .tile").length);
            assert.equal(await tiles(), 6);
            assert.match(await text(tab, "#refused-list", /./), /notes\.jpg: this is not a supported image/);
            await click(tab, "#tiles .tile");
            await topGenres(tab);
            await click(tab, "#back");
            await until(tab, "the gallery", () => document.querySelector("#many")?.checkVisibility());
            assert.equal(await tiles(), 6);
        });

        visit("bad files are refused with the reason, and a poster after them is unaffected", async (tab) => {
            const [poster] = [read(sample)];
            const cut = { name: "cut.jpg", base64: poster.base64.slice(0, 400) };
            for (const [file, reason] of /** @type {[Dropped, RegExp][]} */ ([
                [written("notes.jpg", "Dear diary"), /notes\.jpg: this is not a supported image/],
                [cut, /cut\.jpg: the JPEG image is damaged/],
                [written("empty.png", ""), /empty\.png: the file is empty/],
                [written("model.safetensors", "{}"), /model\.safetensors: /],
            ])) {
                await drop(tab, [file]);
                await until(tab, String(reason), (source) => [...document.querySelectorAll(".error")].some(({ textContent }) => new RegExp(source).test(textContent ?? "")), reason.source);
            }
            await click(tab, "#close-teach"); // a model opens it
            await drop(tab, [poster]);
            await isLikeNatively(tab);
        });

        visit("settings are kept and used by the next visit", async (tab, { address }) => {
            await click(tab, "#open-settings");
            await until(tab, "the dialog", () => document.querySelector("#settings")?.checkVisibility());
            for (const [field, value] of [["top", "5"], ["theme", "dark"], ["motion", "reduced"]]) await fill(tab, `#settings [name=${field}]`, value ?? "");
            await click(tab, "#settings .primary");
            await tab.open(`${address}?device=cpu`);
            await click(tab, "#samples button");
            assert.equal((await topGenres(tab)).length, 5);
            assert.deepEqual(await tab.run(() => {
                const { colorScheme } = getComputedStyle(document.documentElement);
                return [colorScheme, getComputedStyle(document.querySelector(".bar span") ?? document.body).transitionDuration];
            }), ["dark", "0s"]);
        });

        visit("the language can be changed to one that runs from right to left", async (tab) => {
            await click(tab, "#open-settings");
            await until(tab, "the dialog", () => document.querySelector("#settings")?.checkVisibility());
            await fill(tab, "#settings [name=language]", "ar");
            await until(tab, "the page from right to left", () => document.documentElement.dir === "rtl" && document.documentElement.lang === "ar");
            await text(tab, "#open-teach", new RegExp(`^${ar.page.teach}$`));
            await ready(tab);
            await drop(tab, [read(sample)]);
            const [genre = ""] = nativePredictions.keys();
            await text(tab, "#top .name", new RegExp(`^${Reflect.get(ar.genres, genre)}$`));
            await until(tab, "the poster on the right", () => {
                const [poster, side] = ["#drop", "#side"].map((selector) => document.querySelector(selector)?.getBoundingClientRect().left ?? NaN);
                return (poster ?? NaN) > (side ?? NaN);
            });
        });

        visit("a model that is taught a genre is used, and kept for the next visit", async (tab, { address }, context) => {
            if (!(await storesFiles(tab))) return context.skip("the driver's windows are private: WebKit stores no files there");
            await teach(tab);
            await tab.open(`${address}?device=cpu`);
            await ready(tab);
            await usesTaughtModel(tab);
            await click(tab, "#open-teach");
            await until(tab, "the kept posters", () => document.querySelectorAll("#teach-posters li").length === 6);
        });

        visit("in a private window, a model that is taught a genre is used, and the page says that it is not kept", async (tab, _, context) => {
            if (await storesFiles(tab)) return context.skip("this browser's window is not private");
            await teach(tab);
            await text(tab, "#model-note", /could not save the model/);
            await click(tab, "#close-teach");
            await usesTaughtModel(tab);
        });

        visit("the second visit needs no network", async (tab, { address, close }) => {
            await until(tab, "the service worker", () => navigator.serviceWorker?.controller !== null);
            await close();
            await tab.open(`${address}?device=cpu`);
            await ready(tab);
            await drop(tab, [read(sample)]);
            await isLikeNatively(tab);
            // Parts that are loaded when they are used.
            await click(tab, "#open-card");
            await text(tab, "#card", /How good it is/);
        });

        visit("without WebGPU the CPU classifies, and the page says why", async (tab, { address }, context) => {
            if (await tab.run(() => "gpu" in navigator)) return context.skip("this browser has WebGPU");
            await tab.open(`${address}?device=webgpu`);
            await text(tab, "#note", /this browser has no WebGPU/);
            await drop(tab, [read(sample)]);
            await isLikeNatively(tab);
            assert.equal(await text(tab, "#device", /./), "CPU");
        });
    });
}
