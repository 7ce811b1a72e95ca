/** The table of strings fits index.html and the page's scripts: no key is missing, and none is unused. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LANGUAGES } from "../../www/js/strings/index.js";
import { en } from "../../www/js/strings/en.js";

const www = fileURLToPath(new URL("../../www/", import.meta.url));
const html = readFileSync(`${www}index.html`, "utf8");
const code = readdirSync(`${www}js`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".js") && !path.startsWith("strings/"))
    .map((path) => readFileSync(`${www}js/${path}`, "utf8"))
    .join("\n");

/** Every key of a table, such as "drop.invitation", with its value. @param {object} table @returns {Map<string, unknown>} */
function keys(table) {
    return new Map(Object.entries(table).flatMap(([group, strings]) => Object.entries(strings).map(([name, value]) => [`${group}.${name}`, value])));
}

const table = keys(en);
const inHtml = [...html.matchAll(/data-(?:text|aria-label|placeholder|title|alt)="([^"]*)"/g)].map(([, key]) => key ?? "");
const inCode = [...code.matchAll(/\bstrings\.(\w+)\.(\w+)/g)].map(([, group, name]) => `${group}.${name}`);
/** Groups that code looks up by a computed name, such as `strings.device[name]`. */
const lookedUp = new Set([...code.matchAll(/\bstrings\.(\w+)\[/g)].map(([, group]) => group));

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

    test("has the same keys in every language", () => {
        for (const [language, strings] of Object.entries(LANGUAGES)) {
            assert.deepEqual([...keys(strings).keys()].toSorted(), [...table.keys()].toSorted(), language);
        }
    });

    test("leaves no text in index.html but the name, the title and the notice for visitors without JavaScript", () => {
        const body = html.slice(html.indexOf("<body>"));
        const texts = body.replace(/<!--[^]*?-->/g, "").replace(/<noscript>[^]*?<\/noscript>/, "").split(/<[^>]*>/).map((text) => text.trim());
        assert.deepEqual(texts.filter(Boolean), ["Marquee"]);
    });
});
