/** The wasm packages by themselves, as other projects use them with a bundler. See consumers.test.mjs for @marquee/web. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";

import { TOLERANCE, nativePredictions, root, visitor } from "./harness.mjs";

const visit = visitor();
const here = fileURLToPath(new URL(".", import.meta.url));

describe("npm pack", () => {
    for (const name of ["cpu", "gpu"]) {
        test(`of ${name} makes a package with types that Vite builds into a page`, () => visit(async (_, page) => {
            const project = mkdtempSync(`${tmpdir()}/marquee-vite-`);
            cpSync(`${here}vite`, project, { recursive: true });
            const run = (/** @type {string} */ program, /** @type {string[]} */ ...words) =>
                execFileSync(program, words, { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
            const packed = JSON.parse(run("npm", "pack", "--json", `${root}www/pkg/${name}`))[0];
            assert.deepEqual(packed.files.map((/** @type {{ path: string }} */ { path }) => path).toSorted(),
                ["marquee.d.ts", "marquee.js", "marquee_bg.wasm", "marquee_bg.wasm.d.ts", "package.json"]);
            run("npm", "install", "--offline", "--no-audit", "--no-fund", `marquee@file:${packed.filename}`);
            run(`${here}node_modules/.bin/tsc`, "--project", ".");
            run(`${here}node_modules/.bin/vite`, "build", "--logLevel", "error");
            assert.ok(readdirSync(`${project}/dist/assets`).some((file) => file.endsWith(".wasm")));

            const server = createServer((request, response) => {
                const path = new URL(request.url ?? "/", "http://host").pathname;
                const file = [`${project}/dist${path}`, `${root}www${path}`].find((file) => extname(file) && existsSync(file));
                if (!file) return response.writeHead(404).end();
                const type = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" }[extname(file)];
                response.writeHead(200, { "content-type": type ?? "application/octet-stream" }).end(readFileSync(file));
            });
            await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
            try {
                const bound = server.address();
                await page.goto(`http://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}/index.html`);
                await page.waitForFunction(() => document.body.dataset.result, undefined, { timeout: 240_000 });
                /** @type {{ device: string, genres: { genre: string, probability: number }[] }} */
                const result = JSON.parse((await page.evaluate(() => document.body.dataset.result)) ?? "");
                const device = name === "gpu" ? "webgpu" : "cpu";
                assert.equal(result.device, device);
                for (const { genre, probability } of result.genres) {
                    assert.ok(Math.abs(probability - (nativePredictions.get(genre) ?? NaN)) < TOLERANCE[device], genre);
                }
            } finally {
                server.close();
            }
        }, { webgpu: name === "gpu" }));
    }
});
