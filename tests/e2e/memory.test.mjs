/** Pictures that are small as files and as large as is read: what they take in wasm. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";

import { visitor } from "./harness.mjs";

/** In bytes. */
const LIMIT = 512e6;

const folder = process.env.MARQUEE_UNTRUSTED;
const names = folder ? readdirSync(folder).filter((name) => /^bomb-|^50-megabytes/.test(name)) : [];

describe("in wasm", () => {
    const visit = visitor();

    test("no picture takes more than 512 megabytes, and the next answer is right", () => visit(async (marquee, page) => {
        assert.ok(names.length > 8, "the native tests make these files");
        for (const name of names) {
            // A page for each, since wasm never gives memory back.
            await marquee.open("embed.html");
            const bytes = readFileSync(`${folder}/${name}`);
            await page.route(`**/strangers/${name}`, (route) => route.fulfill({ body: bytes }));
            const { before, after, same, said } = await page.evaluate(async (name) => {
                /** @type {typeof import("../../www/pkg/cpu/marquee.js")} */
                const { Classifier, default: init } = await import(new URL("pkg/cpu/marquee.js", location.href).href);
                const { memory } = await init();
                const manifest = await (await fetch("model/model.json")).text();
                const weights = new Uint8Array(await (await fetch(`model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
                const classifier = await Classifier.load(manifest, weights);
                const sample = new Uint8Array(await (await fetch("samples/lighthouse.jpg")).arrayBuffer());
                const good = JSON.stringify(await classifier.classify(sample));
                const before = memory.buffer.byteLength;
                const file = new Uint8Array(await (await fetch(`strangers/${name}`)).arrayBuffer());
                const said = await classifier.classify(file).then(() => "classified", (error) => String(error));
                const after = memory.buffer.byteLength;
                return { before, after, same: JSON.stringify(await classifier.classify(sample)) === good, said };
            }, name);
            console.log(`figure: \`${name}\`, ${Math.round(bytes.length / 1000)} kB: ${Math.round(after / 1e6)} MB of wasm memory (${Math.round(before / 1e6)} before), ${said.slice(0, 60)}`);
            assert.ok(after < LIMIT, `${name} took ${after} bytes`);
            assert.ok(same, `the answer behind ${name} is another one`);
            assert.doesNotMatch(said, /RuntimeError|unreachable/, name);
        }
    }));
});
