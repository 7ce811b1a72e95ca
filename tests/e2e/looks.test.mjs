/** Every state of the page is accessible and fits the window; and the model card, settings, camera and cost of a visit. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

import { addKnownGenre } from "./teach-view.mjs";
import { Marquee, launch, manifest, poster, root, screenshot, url, visitor } from "./harness.mjs";

const visit = visitor();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * Asserts, in light and in dark, that axe-core finds nothing serious and that nothing is wider than the window; saves
 * screenshots. In dark, only what depends on colours is checked.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} state
 */
async function looksRight(page, state) {
    await page.evaluate(axe);
    for (const [scheme, rules] of /** @type {const} */ ([["light", "{}"], ["dark", '{ runOnly: ["color-contrast"] }']])) {
        await page.emulateMedia({ colorScheme: scheme });
        await looksRightIn(page, `${state}-${scheme}`, rules);
    }
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {string} rules  options of axe-core
 */
async function looksRightIn(page, name, rules) {
    await screenshot(page, name);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name}: the page is ${overflow} pixels too wide`);
    /** @type {{ violations: { id: string, impact: string, nodes: { html: string }[] }[] }} */
    const { violations } = await page.evaluate(`axe.run(${rules})`);
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(grave.map(({ id, nodes }) => [name, id, nodes.map(({ html }) => html)]), []);
}

const files = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"].map((name) => `${root}www/samples/${name}.jpg`);

describe("every state is accessible and fits", () => {
    for (const width of [360, 1280, 2560]) {
        // Without motion, the colours do not change slowly when the scheme does.
        test(`at ${width} pixels, light and dark`, () => visit(async (marquee, page) => {
            const looks = (/** @type {string} */ state) => looksRight(page, `${state}-${width}`);
            await page.route("**/pkg/cpu*/*.wasm", async (route) => {
                await new Promise((resolve) => setTimeout(resolve, 2000));
                await route.continue();
            });
            await marquee.open("?device=cpu");
            await page.getByText(/Loading the model: [\d.]+ of [\d.]+ MB/).waitFor();
            await looks("loading");
            await marquee.ready();
            await looks("empty");
            await page.getByRole("button", { name: "Sample: Pip and the Big Balloon" }).click();
            await marquee.waitForResult();
            await marquee.genre(0).click();
            await looks("result");
            await marquee.genre(1).click();
            await looks("compared");
            await marquee.choose("notes.jpg", Buffer.from("Dear diary"));
            await page.getByText("notes.jpg: this is not a supported image").waitFor();
            await looks("refused");
            await page.context().setOffline(true);
            await page.getByText("You are offline").waitFor();
            await looks("offline");
            await page.context().setOffline(false);
            await page.getByRole("button", { name: "About the model" }).click();
            await page.getByRole("dialog", { name: "About the model" }).getByText("Too few training posters").waitFor();
            await looks("card");
            await page.getByRole("button", { name: "Close" }).click();
            await page.getByRole("button", { name: "Settings" }).click();
            await page.getByRole("dialog", { name: "Settings" }).waitFor();
            await looks("settings");
            await page.getByRole("button", { name: "Done" }).click();
            await page.getByRole("button", { name: "Camera" }).click();
            await page.getByText(/No camera: /).waitFor();
            await looks("camera");
            await page.getByRole("button", { name: "Cancel" }).click();
            await marquee.file.setInputFiles([...files, `${root}README.md`]);
            await page.getByText(/^7 in /).waitFor();
            await looks("many");
            await page.getByRole("button", { name: "Train on these" }).click();
            await page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 6);
            await addKnownGenre(page, "Western");
            await page.locator(".training-poster").first().getByRole("button", { name: "Western" }).click();
            await page.getByText("1 of 6").waitFor();
            await looks("teach");
            await page.getByRole("button", { name: "New genre" }).click();
            await looks("naming");
        }, { viewport: { width, height: 900 }, reducedMotion: "reduce" }));
    }
});

/** @param {{ posters: number, additional_posters?: number }} genre */
const trainingPosters = ({ posters, additional_posters = 0 }) => posters + additional_posters;

describe("the model card", () => {
    test("shows the bundle's metrics beside guessing, and the model's limits", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "About the model" }).click();
        const card = page.getByRole("dialog", { name: "About the model" });
        for (const { name, value } of manifest.metrics) {
            const row = card.getByRole("row").filter({ hasText: name }).first();
            assert.match(await row.innerText(), new RegExp(`${value.toFixed(3)}`), name);
        }
        const rare = manifest.genres.filter((genre) => trainingPosters(genre) < 60).map(({ name }) => name);
        assert.ok(rare.length > 0);
        await card.getByText(`Too few training posters: ${rare.join(", ")}.`).waitFor();
        await card.getByRole("button", { name: "Close" }).click();

        // Rare genres are also marked beside their probability.
        await marquee.sample.click();
        await marquee.waitForResult();
        const texts = await marquee.all.allInnerTexts();
        const marked = texts.filter((text) => /trained on only [\d,]+ posters/.test(text)).map((text) => text.split("\n")[0]?.trim());
        assert.deepEqual(marked.toSorted(), rare.toSorted());
    }));

    test("shows in pictures what the model is good at, what its posters were for, and what 60% means", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "About the model" }).click();
        const card = page.getByRole("dialog", { name: "About the model" });
        const bars = card.getByRole("list", { name: "What it is good and bad at" }).getByRole("listitem");
        await bars.first().waitFor();
        assert.equal(await bars.count(), manifest.genres.length);
        for (const genre of manifest.genres) {
            const { name, quality } = genre;
            const bar = card.getByRole("listitem", { name: new RegExp(`^${name}: .*${trainingPosters(genre).toLocaleString("en")} training poster`) });
            const [width, track] = await bar.evaluate((row) => [".filled", ".bar"].map((part) => row.querySelector(part)?.getBoundingClientRect().width ?? NaN));
            assert.ok(Math.abs((width ?? NaN) / (track ?? NaN) - quality.average_precision) < 0.01, `${name}: ${width} of ${track}`);
        }
        const { train_posters, additional_posters, test_posters } = manifest.training;
        await card.getByText(`${(Number(train_posters) + Number(additional_posters)).toLocaleString("en")} to learn from`).waitFor();
        await card.getByText(`${Number(test_posters).toLocaleString("en")} for the test, and nothing else`).waitFor();
        await card.getByRole("img", { name: "6 of 10 posters are marked" }).waitFor();
        await card.getByText("A probability of 60% means").waitFor();
        // No name is cut on a phone.
        const cut = await card.locator(".genre-bars .name").evaluateAll((names) => names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent));
        assert.deepEqual(cut, []);
    }, { viewport: { width: 360, height: 740 } }));

    test("shows how the model does on posters of other sources, if it was tested on some", () => visit(async (marquee, page) => {
        const additional = manifest.metrics.map((metric, index) => ({ ...metric, value: (index + 1) / 100 }));
        await page.route("**/model/model.json", (route) =>
            route.fulfill({ json: { ...manifest, additional_metrics: additional, training: { ...manifest.training, additional_test_posters: 1234 } } }));
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "About the model" }).click();
        const card = page.getByRole("dialog", { name: "About the model" });
        await card.getByText("tested on 1,234 of them too").waitFor();
        const rows = card.getByRole("region", { name: "On posters from other sources" }).getByRole("row");
        assert.deepEqual(
            (await rows.allInnerTexts()).slice(1).map((text) => text.split("\t")[1]?.trim()),
            additional.map(({ value }) => value.toFixed(3)),
        );
    }));

    test("marks the metrics of a model without a test split as validation metrics", () => visit(async (marquee, page) => {
        await page.route("**/model/model.json", (route) =>
            route.fulfill({ json: { ...manifest, training: { ...manifest.training, test_posters: 0 } } }));
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "About the model" }).click();
        const card = page.getByRole("dialog", { name: "About the model" });
        await card.getByText("On validation posters").first().waitFor();
        await card.getByText("These posters also chose the epoch").waitFor();
        assert.equal(await card.getByText("On test posters").count(), 0);
    }));
});

describe("settings", () => {
    test("are saved, and those of a link take precedence", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.getByRole("button", { name: "Settings" }).click();
        await page.getByLabel("Top genres shown").fill("5");
        await page.getByLabel("Theme").selectOption("dark");
        await page.getByLabel("Motion").selectOption("reduced");
        await page.getByRole("button", { name: "Done" }).click();
        await marquee.open();
        await marquee.sample.click();
        await marquee.waitForResult();
        assert.equal(await marquee.top.count(), 5);
        assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
        assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".bar span") ?? document.body).transitionDuration), "0s");

        await marquee.open("?top=2&theme=light&device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        assert.equal(await marquee.top.count(), 2);
        assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "light");
    }));

    test("come back by Undo after a reset", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "Settings" }).click();
        const [top, reset] = [page.getByLabel("Top genres shown"), page.locator("#reset-settings")];
        await top.fill("7");
        await page.getByLabel("Theme").selectOption("dark");
        await reset.click();
        assert.equal(await top.inputValue(), "3");
        assert.equal(await reset.innerText(), "Undo");
        await reset.click();
        assert.equal(await top.inputValue(), "7");
        assert.equal(await page.getByLabel("Theme").inputValue(), "dark");
        assert.equal(await reset.innerText(), "Reset");
        // A later change is not undone.
        await reset.click();
        await top.fill("4");
        await top.press("Tab");
        assert.equal(await reset.innerText(), "Reset");
    }));

    test("switch the device at once", () => visit(async (marquee, page) => {
        await marquee.open("?device=webgpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU");
        await page.getByRole("button", { name: "Settings" }).click();
        await page.getByLabel("Device").selectOption("cpu");
        await page.getByRole("button", { name: "Done" }).click();
        await marquee.sample.click();
        await page.waitForFunction(() => document.querySelector("#device")?.textContent === "CPU");
    }, { webgpu: true }));

    test("mark fewer genres when strict and more when generous", () => visit(async (marquee, page) => {
        const marked = [];
        for (const thresholds of ["precise", "balanced", "thorough"]) {
            await marquee.open(`?device=cpu&thresholds=${thresholds}`);
            await page.getByRole("button", { name: "Sample: The Cellar Door" }).click();
            await marquee.waitForResult();
            marked.push(await page.locator("#all-genres li.likely").count());
        }
        const [precise = 0, balanced = 0, thorough = 0] = marked;
        assert.ok(precise <= balanced && balanced <= thorough && precise < thorough, String(marked));
    }));

    test("sort all genres by probability or by name", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        const names = async () => (await marquee.all.allInnerTexts()).map((text) => text.split("\n")[0]?.trim() ?? "");
        const sorted = await names();
        assert.equal(sorted.length, manifest.genres.length);
        await page.getByLabel("Sort by").selectOption("fixed");
        assert.deepEqual(await names(), sorted.toSorted((a, b) => a.localeCompare(b)));
    }));
});

describe("the camera", () => {
    test("takes a picture of a poster", async () => {
        const browser = await launch(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
        try {
            const context = await browser.newContext({ permissions: ["camera"] });
            const page = await context.newPage();
            const marquee = await new Marquee(page).open("?device=cpu");
            await page.getByRole("button", { name: "Camera" }).click();
            await page.locator("#shoot:enabled").click();
            await page.getByRole("img", { name: "Poster: camera.jpg" }).waitFor();
            await marquee.waitForResult();
            assert.equal(await marquee.error.textContent(), "");
            assert.equal(await page.getByRole("img", { name: "Poster: camera.jpg" }).isVisible(), true);
            const [width = 0, height = 0] = await page.locator("#preview").evaluate((image) =>
                image instanceof HTMLImageElement ? [image.naturalWidth, image.naturalHeight] : []);
            assert.ok(Math.abs(width / height - 2 / 3) < 0.02, "the picture has a poster's proportions");
        } finally {
            await browser.close();
        }
    });
});

describe("a visit", () => {
    test("needs few requests and bytes until the first result, and none to another origin", () => visit(async (marquee, page) => {
        /** @type {import("playwright-core").Response[]} */
        const responses = [];
        page.on("response", (response) => responses.push(response));
        // The first result starts further downloads, which may begin before this test sees it. The page itself notes when
        // the result appears.
        await page.addInitScript(() => {
            const observer = new MutationObserver(() => {
                if (!document.querySelector("#top li")) return;
                observer.disconnect();
                Object.assign(window, { resultAt: Date.now() });
            });
            observer.observe(document, { subtree: true, childList: true });
        });
        // The poster is chosen before the model has loaded; otherwise the first result would be that of the sample.
        /** @type {() => void} */
        let release = () => {};
        const chosen = new Promise((resolve) => (release = () => resolve(undefined)));
        await page.route("**/*.safetensors.zlib", (route) => chosen.then(() => route.continue()));
        await marquee.open("?device=cpu");
        await marquee.choose("lighthouse.jpg", poster);
        release();
        await marquee.waitForResult();
        const resultAt = await page.evaluate(() => Number(Reflect.get(window, "resultAt")));
        const downloads = responses.filter((response) => !response.url().startsWith("blob:"));
        assert.deepEqual(downloads.map((response) => response.url()).filter((address) => !address.startsWith(url)), []);
        const asked = [...new Map(downloads
            .filter((response) => response.request().timing().startTime <= resultAt)
            .map((response) => [response.url(), Number(response.headers()["content-length"] ?? 0)]))];
        const bytes = asked.reduce((sum, [, bytes]) => sum + bytes, 0);
        const weights = asked.find(([address]) => address.endsWith(`${manifest.weights.file}.zlib`))?.[1] ?? NaN;
        // Most are small modules, which the page asks for at once; six are the samples' pictures.
        assert.ok(asked.length <= 47, `${asked.length} requests: ${asked.map(([address]) => address).join(" ")}`);
        assert.ok(weights <= 3e6, `${weights} bytes of weights`);
        assert.ok(bytes - weights <= 4e6, `${bytes - weights} bytes without the weights, before compression`);
    }));

    test("fetches the modules that it starts with at once", () => visit(async (marquee, page) => {
        /** @type {Set<string>} */
        const loaded = new Set();
        page.on("request", (request) => {
            const isWorker = request.headers().referer?.includes("worker-");
            if (request.resourceType() === "script" && !isWorker) loaded.add(request.url().slice(url.length));
        });
        await marquee.open("?device=cpu");
        await marquee.ready();
        const { listed, imported } = await page.evaluate(async () => {
            const listed = [...document.querySelectorAll("link[rel=modulepreload]")].map((link) => link.getAttribute("href") ?? "");
            // What the scripts of the page import, directly or not, except on demand; the strings are first-paint.js's choice.
            const imported = new Set(["js/strings/en.js"]);
            const follow = async (/** @type {string} */ path) => {
                const code = (await (await fetch(path)).text()).replaceAll(/\/\*[^]*?\*\//g, "");
                const sources = [...code.matchAll(/^(?:import|export)\s[^"'();]*?from\s*"([^"]+)"|^(?:await )?import[\s(]*"([^"]+)"/gm)];
                for (const [, named, bare] of sources) {
                    const next = new URL(named ?? bare ?? "", new URL(path, location.href)).href.slice(new URL(".", location.href).href.length);
                    if (imported.has(next)) continue;
                    imported.add(next);
                    await follow(next);
                }
            };
            for (const script of document.querySelectorAll("script[type=module]")) await follow(script.getAttribute("src") ?? "");
            return { listed, imported: [...imported] };
        });
        assert.deepEqual(listed.toSorted(), imported.toSorted());
        assert.deepEqual(imported.filter((path) => !loaded.has(path)), []);
    }));

    test("cannot connect to another origin, because of the content security policy", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        const violated = await page.evaluate(() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective), { once: true });
            fetch("http://127.0.0.1:9/").catch(() => {});
        }));
        assert.equal(violated, "connect-src");
    }));
});
