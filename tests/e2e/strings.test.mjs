/** The tables of strings fit index.html, the page's scripts and each other: no key is missing, unused or untranslated. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LANGUAGES } from "../../www/js/strings/index.js";
import { en } from "../../www/js/strings/en.js";

const www = fileURLToPath(new URL("../../www/", import.meta.url));
const html = readFileSync(`${www}index.html`, "utf8");
const firstPaint = readFileSync(`${www}js/first-paint.js`, "utf8");
const code = readdirSync(`${www}js`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".js") && !path.startsWith("strings/"))
    .map((path) => readFileSync(`${www}js/${path}`, "utf8"))
    .join("\n");

/** Every key of a table, such as "drop.invitation", with its value. @param {object} table @returns {Map<string, unknown>} */
function keys(table) {
    return new Map(Object.entries(table).flatMap(([group, strings]) => Object.entries(strings).map(([name, value]) => [`${group}.${name}`, value])));
}

/** The tables of all languages but English, by tag. @type {Map<string, Map<string, unknown>>} */
const others = new Map();
for (const tag of Object.keys(LANGUAGES).filter((tag) => tag !== "en")) others.set(tag, keys((await import(`../../www/js/strings/${tag}.js`))[tag]));

const table = keys(en);
const inHtml = [...html.matchAll(/data-(?:text|aria-label|placeholder|title|alt|content)="([^"]*)"/g)].map(([, key]) => key ?? "");
const inCode = [...code.matchAll(/\bstrings\.(\w+)\.(\w+)/g)].map(([, group, name]) => `${group}.${name}`);
/** Groups that code looks up by a computed name, such as `strings.device[name]`. */
const lookedUp = new Set([...code.matchAll(/\bstrings\.(\w+)\[/g)].map(([, group]) => group));

/** Strings that may be the same as in English: names, and words that the language has from English or shares with it. */
const SAME_EVERYWHERE = ["page.navigation", "device.cpu", "device.webgpu", "evaluation.f1", "metrics.none", "metricNames.AUROC"];
/** @type {Record<string, string[]>} */
const SAME = {
    de: [
        "heatmap.strength", "poster.genres", "gallery.genre", "dialog.name", "teach.pause",
        "teach.genresStep", "teach.trainingStep", "teach.progress", "card.genres", "card.genre", "poster.computedIn",
        "genres.Action", "genres.Animation", "genres.Drama", "genres.Fantasy", "genres.Horror", "genres.Musical", "genres.Mystery",
        "genres.Reality-TV", "genres.Sport", "genres.Thriller", "genres.Western",
    ],
    fr: [
        "poster.genres", "gallery.genre", "teach.genresStep", "teach.pause", "settings.strict", "card.genres", "card.genre",
        "genres.Action", "genres.Animation", "genres.Romance", "genres.Sport", "genres.Thriller", "genres.Western",
    ],
    es: ["genres.Drama", "genres.Musical", "genres.Romance", "genres.Thriller"],
    hi: [],
    ja: [],
    ar: [],
};

/** Values for parameters, two each: a change of one must change the text. */
const SAMPLES = /** @type {const} */ ({ string: ["⟦one⟧", "⟦two⟧"], number: [7, 23], "string[]": [["⟦one⟧", "⟦two⟧"], ["⟦three⟧"]] });

/** Values for parameters that are objects, by key. @type {Record<string, [unknown, unknown][]>} */
const OBJECTS = {
    "card.summary": [[{ name: "⟦one⟧", width: 5, height: 7, genres: 3, bytes: 2e6 }, { name: "⟦two⟧", width: 6, height: 8, genres: 4, bytes: 3e6 }]],
    "card.training": [[
        { posters: 5, minutes: 7, device: "⟦one⟧", heldOut: 3, data: "⟦two⟧" },
        { posters: 6, minutes: 8, device: "⟦three⟧", heldOut: 4, data: "⟦four⟧" },
    ]],
    "training.progress": [[
        { step: 3, steps: 7, loss: 0.25, stepsPerSecond: 4, secondsLeft: 11 },
        { step: 4, steps: 8, loss: 0.5, stepsPerSecond: 5, secondsLeft: 12 },
    ]],
    "training.curve": [[{ first: 0.25, last: 0.5 }, { first: 0.125, last: 0.75 }], [{ first: 0.3, last: 0.6 }, { first: 0.4, last: 0.8 }]],
    "report.error": [[
        { posters: 5, after: "⟦one⟧", guessing: "⟦two⟧", before: "⟦three⟧" },
        { posters: 6, after: "⟦four⟧", guessing: "⟦five⟧", before: undefined },
    ]],
};

/**
 * Returns a pair of values for each parameter of a string, from the types in its English version.
 *
 * @param {string} key
 * @returns {[unknown, unknown][]}
 */
function parameters(key) {
    const source = String(table.get(key));
    const types = [...source.slice(0, source.lastIndexOf("=>")).matchAll(/@type \{(string\[\]|string|number)\} \*\//g)].map(([, type]) => type);
    return OBJECTS[key] ?? types.map((type) => /** @type {[unknown, unknown]} */ ([...SAMPLES[/** @type {keyof typeof SAMPLES} */ (type)]]));
}

/** Calls a string with the first sample of each parameter, except one. @param {unknown} string @param {[unknown, unknown][]} pairs */
function called(string, pairs, other = -1) {
    return /** @type {(...words: unknown[]) => unknown} */ (string)(...pairs.map((pair, index) => pair[index === other ? 1 : 0]));
}

describe("the table of strings", () => {
    test("has every key of index.html, as plain text", () => {
        assert.ok(inHtml.length > 50);
        assert.deepEqual(inHtml.filter((key) => typeof table.get(key) !== "string"), []);
    });

    test("has every key that the code uses", () => {
        assert.ok(inCode.length > 20);
        assert.deepEqual(inCode.filter((key) => !table.has(key)), []);
    });

    test("has no key that nothing uses", () => {
        const used = new Set([...inHtml, ...inCode]);
        assert.deepEqual([...table.keys()].filter((key) => !used.has(key) && !lookedUp.has(key.split(".")[0])), []);
    });

    test("leaves no text in index.html but the name, the title and the notice for visitors without JavaScript", () => {
        const body = html.slice(html.indexOf("<body>"));
        const texts = body.replace(/<!--[^]*?-->/g, "").replace(/<noscript>[^]*?<\/noscript>/, "").split(/<[^>]*>/).map((text) => text.trim());
        assert.deepEqual(texts.filter(Boolean), ["Marquee"]);
    });

    test("has a name for every genre of the shipped model", () => {
        /** @type {{ genres: { name: string }[], metrics: { name: string }[] }} */
        const { genres, metrics } = JSON.parse(readFileSync(`${www}model/model.json`, "utf8"));
        assert.deepEqual(genres.filter(({ name }) => !table.has(`genres.${name}`)), []);
        const base = (/** @type {string} */ name) => name.replace(/, (all )?\d+ genres$/, "");
        assert.deepEqual(metrics.filter(({ name }) => !table.has(`metricNames.${base(name)}`)), []);
    });

    test("names genres, metrics and samples in English as files and models do", () => {
        for (const group of [en.genres, en.metricNames]) for (const [key, name] of Object.entries(group)) assert.equal(name, key);
    });
});

describe("the languages", () => {
    test("are those that first-paint.js chooses from", () => {
        const [, listed = ""] = /const LANGUAGES = (\[.*\]);/.exec(firstPaint) ?? [];
        assert.deepEqual(JSON.parse(listed), Object.keys(LANGUAGES));
        const tables = readdirSync(`${www}js/strings`).filter((name) => !["apply.js", "formats.js", "index.js"].includes(name));
        assert.deepEqual(tables.toSorted(), Object.keys(LANGUAGES).map((tag) => `${tag}.js`).toSorted());
    });
});

for (const [tag, strings] of others) {
    describe(`the strings in ${Reflect.get(LANGUAGES, tag)}`, () => {
        test("have the keys of the English ones, and are of the same kind", () => {
            assert.deepEqual([...strings.keys()].toSorted(), [...table.keys()].toSorted());
            assert.deepEqual([...table].filter(([key, value]) => typeof value !== typeof strings.get(key)).map(([key]) => key), []);
        });

        test("are not empty, and leave nothing in English", () => {
            const allowed = new Set([...SAME_EVERYWHERE, ...(SAME[tag] ?? [])]);
            const same = [...table].filter(([key, value]) => value === strings.get(key)).map(([key]) => key);
            assert.deepEqual(same.filter((key) => !allowed.has(key)), []);
            assert.deepEqual([...(SAME[tag] ?? [])].filter((key) => !same.includes(key)), [], "these need no exception");
            assert.deepEqual([...strings].filter(([, value]) => typeof value === "string" && !value.trim()), []);
        });

        test("use every value that the English ones use", () => {
            /** @type {string[]} */
            const wrong = [];
            let used = 0;
            for (const [key, value] of table) {
                if (typeof value !== "function") continue;
                const pairs = parameters(key);
                const [english, text] = [called(value, pairs), called(strings.get(key), pairs)];
                if (typeof text !== "string" || !text.trim() || /undefined|NaN|\[object/.test(text)) wrong.push(`${key}: ${text}`);
                for (const name of String(english).match(/⟦\w+⟧/g) ?? []) if (!String(text).includes(name)) wrong.push(`${key} lacks ${name}: ${text}`);
                pairs.forEach((_, index) => {
                    if (called(value, pairs, index) === english) return;
                    used++;
                    if (called(strings.get(key), pairs, index) === text) wrong.push(`${key} ignores value ${index}: ${text}`);
                });
            }
            assert.deepEqual(wrong, []);
            assert.ok(used > 100, `${used} values`);
        });

        test("have a form for every count", () => {
            const categories = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
            const title = /** @type {(count: number) => string} */ (strings.get("gallery.title"));
            const forms = new Set([0, 1, 2, 5, 11, 100, 1000].map((count) => title(count).replaceAll(/[\p{N}\s.,٬]/gu, "")));
            // French and Spanish have a category for millions, whose form is the plural's.
            if (tag === "ar") assert.equal(forms.size, categories.length);
            else assert.ok(forms.size <= categories.length, [...forms].join("; "));
        });

        test("are written in their script", () => {
            const script = { hi: /\p{Script=Devanagari}/u, ja: /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u, ar: /\p{Script=Arabic}/u }[tag] ?? /\p{Script=Latin}/u;
            const allowed = new Set(SAME_EVERYWHERE);
            /** Signs and letters that are not words. */
            const isSign = (/** @type {unknown} */ value) => typeof value === "string" && /^[^\p{L}]*$/u.test(value);
            const foreign = [...strings].filter(([key, value]) => typeof value === "string" && !allowed.has(key) && !isSign(value) && !script.test(value) && key !== "genres.Sci-Fi");
            assert.deepEqual(foreign, []);
        });
    });
}
