/** The page in every language: which one is chosen, what is translated, from right to left, and on a phone. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { LANGUAGES } from "../../www/js/strings/index.js";
import { Marquee, manifest, poster, root, screenshot, url, visitor } from "./harness.mjs";
import { serveFolder } from "./site.mjs";

const visit = visitor();

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../www/js/strings/index.js").Strings} Strings */

/** The strings of every language, by tag. @type {Record<string, Strings>} */
const tables = {};
for (const tag of Object.keys(LANGUAGES)) tables[tag] = (await import(`../../www/js/strings/${tag}.js`))[tag];

/** @param {string} tag @returns {Strings} */
const stringsOf = (tag) => tables[tag] ?? assert.fail(tag);

const files = ["lighthouse", "saddle", "orbit", "umbrella"].map((name) => `${root}www/samples/${name}.jpg`);
const mine = { name: "mine.jpg", mimeType: "image/jpeg", buffer: poster };

/** Returns the page's language and direction. @param {Page} page */
const shown = (page) => page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dir}`);

/** Waits until the page is written in a language. @param {Page} page @param {string} tag */
async function isIn(page, tag) {
    await page.waitForFunction(([tag, teach]) => document.documentElement.lang === tag && document.querySelector("#open-teach")?.textContent === teach, [tag, stringsOf(tag).page.teach]);
}

/** Chooses a language in the settings. @param {Page} page @param {string} tag */
async function choose(page, tag) {
    await new Marquee(page).started();
    await page.locator("#open-settings").click();
    await page.locator("#settings [name=language]").selectOption(tag);
}

/** Waits until all posters are classified. @param {Page} page @param {number} count */
async function classified(page, count) {
    await page.waitForFunction((count) => document.querySelectorAll("#tiles .tile").length === count && !document.querySelector("#many-progress")?.checkVisibility(), count);
}

describe("the language", () => {
    for (const [locale, tag] of /** @type {const} */ ([["de-AT", "de"], ["ar-EG", "ar"], ["pt-BR", "en"]])) {
        test(`is ${tag} in a browser that prefers ${locale}, and only its table is loaded`, () => visit(async (marquee, page) => {
            /** @type {string[]} */
            const requested = [];
            page.on("request", (request) => {
                const [, table] = /\/js\/strings\/(\w\w)\.js/.exec(request.url()) ?? [];
                if (table) requested.push(table);
            });
            await marquee.open("?device=cpu");
            await marquee.ready();
            await isIn(page, tag);
            assert.equal(await shown(page), `${tag} ${tag === "ar" ? "rtl" : "ltr"}`);
            assert.equal(await page.title(), stringsOf(tag).page.title);
            assert.deepEqual([...new Set(requested)], [tag]);
        }, { locale }));
    }

    test("is the first one that the page has", () => visit(async (marquee, page) => {
        await page.addInitScript(() => Object.defineProperty(navigator, "languages", { value: ["pt-BR", "fr-CA", "de"] }));
        await marquee.open("?device=cpu");
        await isIn(page, "fr");
    }));

    test("and its direction are set before any module has loaded", () => visit(async (_, page) => {
        await page.route("**/js/strings/apply.js", (route) => route.abort());
        await page.goto(url);
        assert.equal(await shown(page), "ar rtl");
    }, { locale: "ar" }));

    test("is kept once it is chosen, until the browser's is chosen again", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await isIn(page, "en");
        await choose(page, "de");
        await isIn(page, "de");
        await marquee.open("?device=cpu");
        await isIn(page, "de");
        await choose(page, "system");
        await isIn(page, "en");
    }));

    test("of a link takes precedence, and can be changed", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu&language=ja");
        await isIn(page, "ja");
        await choose(page, "es");
        await isIn(page, "es");
        assert.equal(new URL(page.url()).searchParams.get("language"), "es");
        await marquee.open("?device=cpu&language=klingon");
        await isIn(page, "es");
    }));

    test("is part of the link to the settings", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await choose(page, "fr");
        await isIn(page, "fr");
        await marquee.started();
        await page.locator("#open-settings").click();
        await page.locator("#copy-link").click();
        await page.getByText(stringsOf("fr").settings.copied).waitFor();
        assert.equal(new URL(await page.evaluate(() => navigator.clipboard.readText())).searchParams.get("language"), "fr");
    }, { permissions: ["clipboard-read", "clipboard-write"] }));

    test("works without a network in every language, after one visit", async () => {
        const site = await serveFolder(`${root}www`);
        try {
            await visit(async (marquee, page) => {
                await page.goto(`${site.address}?device=cpu`);
                await marquee.ready();
                await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
                await page.context().setOffline(true);
                for (const tag of Object.keys(LANGUAGES)) {
                    await page.goto(`${site.address}?device=cpu&language=${tag}`);
                    await isIn(page, tag);
                }
            }, { serviceWorkers: "allow", locale: "de" });
        } finally {
            await site.close();
        }
    });
});

describe("a change of the language loses nothing", () => {
    for (const [what, prepare, isThere] of /** @type {[string, (page: Page) => Promise<unknown>, string][]} */ ([
        ["a poster", async (page) => {
            await page.locator("#file").setInputFiles(mine);
            await page.locator("#answer-actions").waitFor();
        }, "#preview"],
        ["a gallery", async (page) => {
            await page.locator("#file").setInputFiles(files);
            await classified(page, files.length);
        }, "#tiles .tile"],
        ["a training", async (page) => {
            await page.locator("#open-teach").click();
            await page.locator("#teach-title").waitFor(); // until then, files go to the gallery
            await page.locator("#teach-file").setInputFiles(files);
            await page.locator(".training-poster").nth(files.length - 1).waitFor();
            await page.locator("#known-genre").selectOption("Western");
            await page.locator("#add-known-genre").click();
            await page.locator(".tick").first().click();
            await page.locator("#steps").fill("10000");
            await page.locator("#train").click();
            await page.locator("#pause-training").click(); // so that it does not end meanwhile
        }, "#pause-training"],
    ])) {
        test(`of ${what}: it waits for the next visit, and says so`, () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await marquee.ready();
            await prepare(page);
            await choose(page, "de");
            await page.getByText(stringsOf("en").settings.languageLater).waitFor();
            await page.locator("#settings .primary").click();
            assert.equal(await shown(page), "en ltr");
            assert.equal(await page.locator(isThere).first().isVisible(), true);
            await marquee.open("?device=cpu");
            await isIn(page, "de");
        }));
    }
});

describe("in German", () => {
    const de = stringsOf("de");

    test("genres are translated, and exports have the English names", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        const saved = async (/** @type {string} */ id) => {
            const download = page.waitForEvent("download");
            await page.locator(id).click();
            return readFileSync(await (await download).path(), "utf8");
        };
        await page.locator("#file").setInputFiles(files);
        await classified(page, files.length);
        const names = manifest.genres.map(({ name }) => name);
        const shownNames = await page.locator("#tiles .tile li span:first-child").allTextContents();
        const german = Object.values(de.genres);
        assert.deepEqual(shownNames.filter((name) => !german.includes(name)), []);
        const options = await page.locator("#filter-genre option").allTextContents();
        assert.deepEqual(options, [de.gallery.anyGenre, ...names.map((name) => Reflect.get(de.genres, name))]);
        /** @type {{ genres: string[], probabilities: Record<string, number> }[]} */
        const json = JSON.parse(await saved("#save-json"));
        assert.deepEqual(Object.keys(json[0]?.probabilities ?? {}), names);
        assert.deepEqual(json.flatMap(({ genres }) => genres).filter((genre) => !names.includes(genre)), []);
        assert.equal((await saved("#save-csv")).split("\r\n")[0], ["file", "genres", "error", ...names].join(","));
    }, { locale: "de" }));

    test("the genres to train are translated, and their English names are known", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.locator("#open-teach").click();
        await page.locator("#known-genre").selectOption("Comedy");
        await page.locator("#add-known-genre").click();
        await page.locator("#teach-genres").getByText(de.genres.Comedy).waitFor();
        for (const name of ["Comedy", de.genres.Comedy]) {
            await page.locator("#new-genre").click();
            await page.locator("#dialog-text").fill(name);
            await page.locator("#dialog-yes").click();
            await page.getByText(de.teachGenres.exists(name)).waitFor();
            await page.locator("#dialog-no").click();
        }
    }, { locale: "de" }));

    test("errors of the wasm packages are translated", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        for (const [name, buffer, text] of /** @type {const} */ ([
            ["notes.jpg", Buffer.from("Dear diary"), de.errors.unknownImage],
            ["empty.jpg", Buffer.alloc(0), de.errors.emptyImage],
            ["cut.jpg", poster.subarray(0, 300), de.errors.damagedImage("JPEG", "⟦").split("⟦")[0] ?? ""],
        ])) {
            await page.locator("#file").setInputFiles({ name, mimeType: "image/jpeg", buffer });
            await page.locator("#error").filter({ hasText: `${name}: ${text}` }).waitFor();
        }
    }, { locale: "de" }));
});

describe("in Arabic", () => {
    test("the page is mirrored", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.locator("#file").setInputFiles(mine);
        await marquee.waitForResult();
        await page.locator("#top button").first().click();
        const box = async (/** @type {string} */ selector) => (await page.locator(selector).first().boundingBox()) ?? assert.fail(selector);
        const right = ({ x, width } = { x: 0, width: 0 }) => x + width;
        const [drop, side, name, percent, bar, filled] = await Promise.all(["#drop", "#side", "#top .name", "#top .percent", "#top .bar", "#top .bar span"].map(box));
        assert.ok((drop?.x ?? NaN) >= right(side), "the poster is on the right");
        assert.ok((percent?.x ?? NaN) < (name?.x ?? NaN), "a genre's name is on the right");
        assert.ok(Math.abs(right(bar) - right(filled)) < 1, "bars grow from the right");
        // The scale runs with its words: against on the right, for on the left.
        const [against, evidence] = await Promise.all([".legend span:first-child", ".legend span:last-child"].map(box));
        assert.ok((against?.x ?? NaN) > (evidence?.x ?? NaN));
        assert.equal(await page.locator("#legend").evaluate((canvas) => getComputedStyle(canvas).scale), "-1 1");
        assert.equal(await page.locator("h1").evaluate((title) => getComputedStyle(title).letterSpacing), "normal");
        await screenshot(page, "arabic-1280");
    }, { locale: "ar" }));

    test("the left arrow key leads to the next poster", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.locator("#file").setInputFiles(files);
        await classified(page, files.length);
        await page.locator(".tile").first().click();
        const place = (/** @type {number} */ number) => page.getByText(stringsOf("ar").browse.place(number, files.length), { exact: true }).waitFor();
        await place(1);
        await page.keyboard.press("ArrowLeft");
        await place(2);
        await page.keyboard.press("ArrowRight");
        await place(1);
    }, { locale: "ar" }));

    test("the picture to share is mirrored", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.locator("#file").setInputFiles(mine);
        await marquee.waitForResult();
        await page.locator("#share").click();
        await page.locator("#share-picture canvas").waitFor();
        const [genres, poster, evidence] = await page.locator("#share-picture canvas").evaluate((canvas) => {
            const context = canvas instanceof HTMLCanvasElement ? canvas.getContext("2d") : null;
            return [210, 610, 990].map((x) => Array.from({ length: 9 }, (_, index) => String(context?.getImageData(x, 100 + 50 * index, 1, 1).data)));
        });
        for (const column of [poster, evidence]) assert.ok(new Set(column).size > 5, String(column));
        assert.ok(new Set(genres).size <= new Set(poster).size);
        await screenshot(page, "arabic-share-1280");
    }, { locale: "ar" }));
});

/**
 * Returns what is cut or sticks out, of what is shown. Names of files are cut on purpose, and wide tables scroll.
 *
 * @param {Page} page
 */
function unfit(page) {
    return page.evaluate(() => {
        const dialog = document.querySelector("dialog[open]");
        const scope = dialog ?? document.body;
        const texts = scope.querySelectorAll("button, .button, h1, h2, h3, label, summary, p, li, figcaption, .name, .tick, .percent, strong");
        const cut = [...texts].filter((element) => {
            const { clipPath } = getComputedStyle(element);
            // A genre's button reaches over the edges of its item, so that its name is aligned with the rest.
            const isExempt = clipPath !== "none" || element.matches(":has(> .genre)") || element.closest(".unseen, .scroll, .tile, .choices, [aria-hidden=true]");
            return !isExempt && element.checkVisibility() && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
        }).map((element) => `${element.tagName}.${element.className}#${element.id}: ${element.textContent?.trim().slice(0, 60)} (${element.scrollWidth} in ${element.clientWidth})`);
        const { scrollWidth } = document.documentElement;
        if (scrollWidth > innerWidth) cut.push(`the page is ${scrollWidth - innerWidth} pixels too wide`);
        if (dialog && dialog.scrollWidth > dialog.clientWidth) cut.push(`the dialog is ${dialog.scrollWidth - dialog.clientWidth} pixels too wide`);
        return cut;
    });
}

for (const tag of Object.keys(LANGUAGES)) {
    describe(`in ${Reflect.get(LANGUAGES, tag)}`, () => {
        test("everything fits a phone", () => visit(async (marquee, page) => {
            /** @type {string[]} */
            const problems = [];
            const fits = async (/** @type {string} */ state) => {
                await screenshot(page, `language-${tag}-${state}`);
                problems.push(...(await unfit(page)).map((problem) => `${state}: ${problem}`));
            };
            await marquee.open("?device=cpu");
            await marquee.ready();
            await marquee.waitForResult();
            await isIn(page, tag);
            await fits("start");
            await page.locator("#file").setInputFiles(mine);
            await page.locator("#stamp").waitFor({ state: "hidden" });
            await marquee.waitForResult();
            await page.locator("#top button").first().click();
            await page.locator("#strength-row").waitFor();
            await fits("answer");
            await page.locator("#share").click();
            await page.locator("#share-picture canvas").waitFor();
            await fits("share");
            await page.locator("#share-dialog .quiet").click();
            await page.locator("#open-compare").click();
            await page.locator("#compare .paired").waitFor();
            await fits("compare");
            await page.locator("#compare .primary").click();
            await page.locator("#open-card").click();
            await page.locator("#card .genre-bars").waitFor();
            await page.locator("#card summary").click();
            await fits("card");
            await page.locator("#card .actions .primary").click();
            await page.locator("#open-settings").click();
            await fits("settings");
            await page.locator("#settings .primary").click();
            await page.locator("#file").setInputFiles(files);
            await classified(page, files.length);
            await fits("gallery");
            await page.locator("#teach-many").click();
            await page.locator(".training-poster").nth(files.length - 1).waitFor();
            await page.locator("#known-genre").selectOption("Documentary");
            await page.locator("#add-known-genre").click();
            await page.locator(".tick").first().click();
            await page.waitForFunction(() => !(/** @type {HTMLButtonElement | null} */ (document.querySelector("#train"))?.disabled));
            await fits("teach");
            assert.deepEqual(problems, []);
        }, { locale: tag, viewport: { width: 360, height: 740 }, reducedMotion: "reduce" }));

        test("numbers, metrics and genres are written as the language does", () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await marquee.ready();
            await page.locator("#open-card").click();
            await page.locator("#card .genre-bars").waitFor();
            const card = (await page.locator("#card").textContent()) ?? "";
            const { training, metrics } = manifest;
            const [posters, [metric = "", share = ""]] = await page.evaluate(([tag = "", posters, value, threshold]) => {
                const format = (/** @type {number} */ number, /** @type {Intl.NumberFormatOptions} */ options) => new Intl.NumberFormat(String(tag), options).format(number);
                return /** @type {const} */ ([format(Number(posters), {}), [
                    format(Number(value), { minimumFractionDigits: 3, maximumFractionDigits: 3 }),
                    format(Number(threshold), { style: "percent", maximumFractionDigits: 0 }),
                ]]);
            }, [tag, Number(training.train_posters) + Number(training.additional_posters ?? 0), metrics[0]?.value ?? NaN, manifest.genres[0]?.threshold ?? NaN]);
            const translated = new Map(Object.entries(stringsOf(tag).genres));
            const genres = manifest.genres.map(({ name }) => translated.get(name) ?? name);
            for (const text of [posters, metric, share, stringsOf(tag).metricNames["micro F1"], ...genres]) {
                assert.ok(card.includes(text), `${text} is not in the card`);
            }
        }, { locale: tag }));
    });
}
