/**
 * The npm package in other people's projects: packed, installed, built with Vite, webpack and esbuild or imported from
 * another origin, and run in Chromium and Firefox.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import puppeteer from "puppeteer-core";

import { nativePredictions, poster } from "./harness.mjs";

const tools = fileURLToPath(new URL("node_modules", import.meta.url));
const folder = process.env.MARQUEE_PACKAGE ?? "";
const project = mkdtempSync(`${tmpdir()}/marquee-consumer-`);

const run = async (/** @type {string} */ program, /** @type {string[]} */ ...words) =>
    (await promisify(execFile)(program, words, { cwd: project, encoding: "utf8" })).stdout;

const TYPES = /** @type {Record<string, string>} */ ({ ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".jpg": "image/jpeg" });

/** @type {(() => void)[]} */
const closing = [];
after(() => closing.forEach((close) => close()));

/**
 * Serves files of the project; the first folder that has a file wins. Returns the address.
 *
 * @param {string[]} folders
 */
async function serve(...folders) {
    const server = createServer((request, response) => {
        const path = new URL(request.url ?? "/", "http://host").pathname;
        const headers = { "access-control-allow-origin": "*" };
        if (path === "/lighthouse.jpg") return response.writeHead(200, { ...headers, "content-type": "image/jpeg" }).end(poster);
        const file = folders.map((folder) => `${project}/${folder}${decodeURIComponent(path)}`).find((file) => extname(file) && existsSync(file));
        if (!file) return response.writeHead(404).end();
        response.writeHead(200, { ...headers, "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    closing.push(() => server.close());
    const bound = server.address();
    return `http://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
}

const html = (/** @type {string} */ script, attributes = "") => `<!doctype html><html lang="en" ${attributes}><title>Marquee</title><body>${script}</body></html>`;

before(async () => {
    assert.ok(folder, "MARQUEE_PACKAGE is the folder of the npm package; run these tests with: cargo xtask test");
    cpSync(fileURLToPath(new URL("consumers", import.meta.url)), project, { recursive: true });
    const [packed] = JSON.parse(await run("npm", "pack", "--json", folder));
    const paths = packed.files.map((/** @type {{ path: string }} */ { path }) => path);
    for (const path of ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "marquee/api.d.ts", "marquee/index.js", "pkg/assets.js", "pkg/cpu/marquee_bg.wasm", "pkg/cpu-relaxed/marquee_bg.wasm", "model/model.json"]) {
        assert.ok(paths.includes(path), `${path} is not packed`);
    }
    assert.deepEqual(paths.filter((/** @type {string} */ path) => path.endsWith("files.js")), [], "the page's own files are not packed");
    await run("npm", "install", "--offline", "--no-audit", "--no-fund", `./${packed.filename}`);
});
after(() => rmSync(project, { recursive: true, force: true }));

test("the types compile under strict without skipLibCheck", async () => {
    await run(`${tools}/.bin/tsc`, "--project", ".");
});

test("Node.js imports the package and classifies", async () => {
    writeFileSync(`${project}/poster.jpg`, poster);
    writeFileSync(`${project}/node.mjs`, `
        import { readFile } from "node:fs/promises";
        import { load } from "@marquee/web";
        const marquee = await load();
        console.log(JSON.stringify((await marquee.classify(await readFile("poster.jpg"))).genres));
        marquee.close();`);
    assertNative(JSON.parse(await run("node", "node.mjs")));
});

/** Builds a page; returns its address. @type {Record<string, () => Promise<string>>} */
const PAGES = {
    "a page built with Vite": async () => {
        await run(`${tools}/.bin/vite`, "build", "--logLevel", "error");
        return serve("dist");
    },
    "a page built with webpack": async () => {
        await run(`${tools}/.bin/esbuild`, "main.ts", "--outfile=main.js", "--log-level=error");
        await run("node", "webpack.mjs", project, tools);
        writeFileSync(`${project}/dist-webpack/index.html`, html('<script src="main.js"></script>'));
        return serve("dist-webpack");
    },
    "a page built with esbuild, which serves the package's folder": async () => {
        await run(`${tools}/.bin/esbuild`, "main.ts", "--bundle", "--format=esm", "--outfile=dist-esbuild/main.js", "--log-level=error");
        writeFileSync(`${project}/dist-esbuild/index.html`, html('<script type="module" src="main.js"></script>', 'data-assets="/node_modules/@marquee/web"'));
        return serve("dist-esbuild", ".");
    },
    "a page without a bundler, which imports from another origin": async () => {
        const cdn = await serve("node_modules/@marquee/web");
        await run(`${tools}/.bin/esbuild`, "main.ts", "--outfile=dist-plain/main.js", "--log-level=error");
        const main = readFileSync(`${project}/dist-plain/main.js`, "utf8").replace(/"@marquee\/web"/, `"${cdn}/marquee/index.js"`);
        writeFileSync(`${project}/dist-plain/main.js`, main);
        writeFileSync(`${project}/dist-plain/index.html`, html('<script type="module" src="main.js"></script>'));
        return serve("dist-plain");
    },
};

/** @type {Map<string, Promise<string>>} */
const built = new Map();

for (const [name, path, args] of /** @type {const} */ ([
    ["chrome", process.env.MARQUEE_CHROMIUM, process.env.MARQUEE_CHROMIUM_FLAGS?.split(" ") ?? []],
    ["firefox", process.env.MARQUEE_FIREFOX, []],
])) {
    describe(`in ${name}`, { skip: path ? false : `${name} is not installed` }, () => {
        /** @type {import("puppeteer-core").Browser} */
        let browser;
        before(async () => {
            browser = await puppeteer.launch({ browser: name, executablePath: path ?? "", headless: true, args: [...args] });
        });
        after(() => browser?.close());

        for (const [what, build] of Object.entries(PAGES)) {
            test(`${what} classifies and fine-tunes`, async () => {
                built.set(what, built.get(what) ?? build());
                const address = await built.get(what);
                const page = await browser.newPage();
                await page.goto(`${address}/index.html`);
                await page.waitForFunction(() => document.body.dataset.result, { timeout: 120_000 });
                const result = JSON.parse((await page.evaluate(() => document.body.dataset.result)) ?? "");
                await page.close();
                assert.equal(result.failure, undefined);
                assertNative(result.genres);
                assert.ok(result.places > 1, "the heatmap is empty");
                assertNative(JSON.parse(result.batch[0]));
                assert.deepEqual(result.batch, Array(3).fill(result.batch[0]));
                assert.equal(result.step, 2);
            });
        }
    });
}

test("the five lines of the package's README classify a poster on another site", async () => {
    const readme = readFileSync(`${folder}/README.md`, "utf8");
    const [, example] = /```html\n([^]*?)```/.exec(readme) ?? [];
    const cdn = await serve("node_modules/@marquee/web");
    const script = example?.replace("/marquee-web", cdn).replace("poster.jpg", "/lighthouse.jpg") ?? "";
    assert.ok(script.includes(cdn));
    assert.equal(script.trim().split("\n").length - 2, 5, "five lines in a script element");
    mkdirSync(`${project}/dist-readme`);
    writeFileSync(`${project}/dist-readme/index.html`, html(script));
    await inChromium(`${await serve("dist-readme")}/index.html`, async (page) => {
        await page.waitForFunction(() => document.body.innerText.includes("%"), { timeout: 120_000 });
        const [first] = nativePredictions.keys();
        assert.match(await page.evaluate(() => document.body.innerText), new RegExp(`^${first} \\d+%, `));
    });
});

test("a bundler that leaves the package's files behind gets a clear error", async () => {
    await run(`${tools}/.bin/esbuild`, "main.ts", "--bundle", "--format=esm", "--outfile=dist-alone/main.js", "--log-level=error");
    writeFileSync(`${project}/dist-alone/index.html`, html('<script type="module" src="main.js"></script>'));
    await inChromium(`${await serve("dist-alone")}/index.html`, async (page) => {
        await page.waitForFunction(() => document.body.dataset.result, { timeout: 120_000 });
        assert.match((await page.evaluate(() => document.body.dataset.result)) ?? "", /serve the package's folder and pass its address as the option `assets`/);
    });
});

/**
 * @param {string} address
 * @param {(page: import("puppeteer-core").Page) => Promise<void>} work
 */
async function inChromium(address, work) {
    const browser = await puppeteer.launch({ executablePath: process.env.MARQUEE_CHROMIUM ?? "", args: process.env.MARQUEE_CHROMIUM_FLAGS?.split(" ") ?? [] });
    try {
        const page = await browser.newPage();
        await page.goto(address);
        await work(page);
    } finally {
        await browser.close();
    }
}

/** Asserts that the sample's probabilities are the native trainer's. @param {{ genre: string, probability: number }[]} genres */
function assertNative(genres) {
    assert.equal(genres.length, nativePredictions.size);
    for (const { genre, probability } of genres) {
        assert.ok(Math.abs(probability - (nativePredictions.get(genre) ?? NaN)) < 1e-3, `${genre}: ${probability}`);
    }
}
