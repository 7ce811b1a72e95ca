/** Memory that images of little size but many pixels take in wasm. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";

import { visitor } from "./harness.mjs";

/** Largest accepted wasm memory, in bytes. */
const LIMIT = 512e6;

const folder = process.env.MARQUEE_UNTRUSTED;
const names = folder ? readdirSync(folder).filter((name) => /^bomb-|^50-megabytes/.test(name)) : [];

describe("decoding in wasm", () => {
    const visit = visitor();

    test("takes at most 512 MB and leaves later predictions unchanged", () => visit(async (marquee, page) => {
        assert.ok(names.length > 8, "the files are missing; the native tests write them");
        for (const name of names) {
            // Each image gets a new page, because wasm memory never shrinks.
            await marquee.open("embed.html");
            const bytes = readFileSync(`${folder}/${name}`);
            await page.route(`**/untrusted/${name}`, (route) => route.fulfill({ body: bytes }));
            const { before, after, same, outcome } = await page.evaluate(async (name) => {
                /** @type {typeof import("../../www/pkg/cpu/marquee.js")} */
                const { Classifier, default: init } = await import(new URL("pkg/cpu/marquee.js", location.href).href);
                const { memory } = await init();
                const manifest = await (await fetch("model/model.json")).text();
                const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
                const classifier = await Classifier.load(manifest, weights);
                const sample = new Uint8Array(await (await fetch("samples/lighthouse.jpg")).arrayBuffer());
                const expected = JSON.stringify(await classifier.classify(sample));
                const before = memory.buffer.byteLength;
                const file = new Uint8Array(await (await fetch(`untrusted/${name}`)).arrayBuffer());
                const outcome = await classifier.classify(file).then(() => "classified", (error) => String(error));
                const after = memory.buffer.byteLength;
                return { before, after, same: JSON.stringify(await classifier.classify(sample)) === expected, outcome };
            }, name);
            console.log(`figure: \`${name}\`, ${Math.round(bytes.length / 1000)} kB: ${Math.round(after / 1e6)} MB of wasm memory (${Math.round(before / 1e6)} before), ${outcome.slice(0, 60)}`);
            assert.ok(after < LIMIT, `${name} took ${after} bytes`);
            assert.ok(same, `the prediction after ${name} differs`);
            assert.doesNotMatch(outcome, /RuntimeError|unreachable/, name);
        }
    }));
});
