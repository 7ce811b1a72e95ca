/** What the page's tests share: Chromium, the page that `cargo xtask test` serves, and its parts. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

/** @param {string} name */
function required(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set; run these tests with: cargo xtask test`);
    return value;
}

/** Address of the page, with a slash at its end. */
export const url = required("MARQUEE_URL");
export const trainer = required("MARQUEE_TRAINER");
const flags = required("MARQUEE_CHROMIUM_FLAGS").split(" ");

/** Flags for a browser with WebGPU. It is a GPU in software, which keeps all cores busy: only tests about it use it. */
export const webgpuFlags = required("MARQUEE_WEBGPU_FLAGS").split(" ");

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const sample = `${root}www/samples/lighthouse.jpg`;
export const poster = readFileSync(sample);

/** @type {{ genres: { name: string, threshold: number, posters: number, quality: { average_precision: number } }[], metrics: { name: string, value: number }[], weights: { file: string }, training: Record<string, unknown> }} */
export const manifest = JSON.parse(readFileSync(`${root}www/model/model.json`, "utf8"));

const screenshots = fileURLToPath(new URL("screenshots", import.meta.url));
mkdirSync(screenshots, { recursive: true });

/** @param {string[]} more  additional flags */
export function launch(more = []) {
    return chromium.launch({
        executablePath: required("MARQUEE_CHROMIUM"),
        args: [...flags, "--lang=en-US", ...more],
        headless: true,
    });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
    await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

/** Clicks a button that saves a file, and returns the file's text. @param {import("playwright-core").Page} page @param {string} button */
export async function saved(page, button) {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    return readFileSync(await (await download).path(), "utf8");
}

/**
 * Largest difference of a probability from the native CPU's, by device. All CPU packages compute the same integers; the
 * GPU computes in floats.
 */
export const TOLERANCE = { cpu: 1e-6, webgpu: 0.05 };

/** The native trainer's probabilities for the sample, by genre, the most probable first. */
export const nativePredictions = predictNatively(poster);

/**
 * Returns the native trainer's probabilities for a picture, by genre, the most probable first.
 *
 * @param {Buffer} picture
 */
export function predictNatively(picture) {
    const file = `${mkdtempSync(`${tmpdir()}/marquee-`)}/poster`;
    writeFileSync(file, picture);
    const printed = execFileSync(trainer, ["predict", "--json", "--top", "1000", "--bundle", `${root}www/model`, file], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
    });
    /** @type {{ genre: string, probability: number }[]} */
    const genres = JSON.parse(printed)[0].genres;
    return new Map(genres.map(({ genre, probability }) => [genre, probability]));
}

/**
 * Starts browsers for a file of tests, with WebGPU and without it, when they are first used. Returns a function that
 * opens a new page for one test; an uncaught error in the page fails the test.
 */
export function visitor() {
    /** @type {Map<boolean, Promise<import("playwright-core").Browser>>} */
    const browsers = new Map();
    after(async () => {
        for (const browser of browsers.values()) await (await browser).close();
    });

    /**
     * @param {(marquee: Marquee, page: import("playwright-core").Page) => Promise<void>} work
     * @param {import("playwright-core").BrowserContextOptions & { webgpu?: boolean }} [options]
     */
    return async (work, { webgpu = false, ...options } = {}) => {
        const browser = await (browsers.get(webgpu) ?? launch(webgpu ? webgpuFlags : []));
        browsers.set(webgpu, Promise.resolve(browser));
        // A service worker would answer before the routes that tests install.
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, serviceWorkers: "block", locale: "en-US", ...options });
        // Two files of tests share the machine with software that stands in for a GPU.
        context.setDefaultTimeout(120_000);
        const page = await context.newPage();
        /** @type {string[]} */
        const problems = [];
        page.on("pageerror", (error) => problems.push(String(error)));
        try {
            await work(new Marquee(page), page);
            assert.deepEqual(problems, []);
        } finally {
            await context.close();
        }
    };
}

/**
 * Asserts that the page shows the native run's top genres, in order, with probabilities equal up to rounding.
 *
 * @param {Marquee} marquee
 * @param {Map<string, number>} [expected]
 */
export async function assertNativePredictions(marquee, expected = nativePredictions) {
    const native = [...expected].slice(0, 3);
    const shown = await marquee.topGenres();
    // The page rounds to whole per cent.
    const tolerance = 0.00501 + TOLERANCE[(await marquee.device.textContent()) === "CPU" ? "cpu" : "webgpu"];
    assert.deepEqual(shown.map(({ genre }) => genre), native.map(([genre]) => genre));
    for (const [index, [, probability]] of native.entries()) {
        assert.ok(Math.abs((shown[index]?.probability ?? NaN) - probability) <= tolerance, `${JSON.stringify(shown)} is not ${native.join("; ")}`);
    }
}

/** The parts of the page that a visitor uses, located by role and name as assistive technology does. */
export class Marquee {
    /** @param {import("playwright-core").Page} page */
    constructor(page) {
        this.page = page;
        this.file = page.getByLabel("Choose posters");
        this.top = page.getByRole("list", { name: "Top genres" }).getByRole("listitem");
        this.all = page.getByRole("list", { name: "All genres" }).getByRole("listitem");
        this.device = page.locator("#device");
        this.error = page.locator("#error");
        this.sample = page.getByRole("button", { name: "Sample: The Last Keeper" });
        this.tiles = page.getByRole("list", { name: "Posters" }).locator(".tile");
        this.back = page.getByRole("button", { name: "Back to all posters" });
    }

    /** The button of a top genre. @param {number} index */
    genre(index) {
        return this.top.nth(index).getByRole("button");
    }

    /** @param {string} [query] */
    async open(query = "") {
        await this.page.goto(url + query);
        if (!query.endsWith(".html")) await this.started();
        return this;
    }

    /** Waits until the page's code runs: it starts once the text is there, perhaps after the load event. */
    async started() {
        await this.page.locator("#samples button").first().waitFor({ state: "attached" });
    }

    /** Waits until the model is loaded. */
    async ready() {
        await this.page.locator("#loading").waitFor({ state: "hidden" });
        return this;
    }

    /**
     * @param {string} name
     * @param {Buffer} buffer
     */
    async choose(name, buffer) {
        await this.started();
        await this.file.setInputFiles({ name, mimeType: "image/jpeg", buffer });
    }

    /** Drops files on the page. @param {string[]} paths */
    async drop(paths) {
        const files = paths.map((path) => ({ name: basename(path), text: readFileSync(path, "utf8") }));
        await this.page.evaluate((files) => {
            const data = new DataTransfer();
            for (const { name, text } of files) data.items.add(new File([text], name));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }, files);
    }

    /** Waits until a poster is classified or an error is shown. */
    async waitForResult() {
        await this.page.waitForFunction(
            () => {
                const busy = document.querySelector("[aria-busy=true]");
                const shown = document.querySelectorAll("#top li").length > 0;
                return !busy && (shown || document.querySelector("#error")?.textContent);
            },
            undefined,
            { timeout: 240_000 },
        );
    }

    /** Classifies the sample repeatedly until the page shows this device. */
    async waitForDevice(/** @type {string} */ device) {
        const deadline = Date.now() + 240_000;
        for (;;) {
            await this.sample.click();
            await this.waitForResult();
            if ((await this.device.textContent()) === device) return;
            if (Date.now() > deadline) {
                const note = await this.page.locator("#note").textContent();
                throw new Error(`${device} was never used; the page shows: ${note}`);
            }
            await this.page.waitForTimeout(500);
        }
    }

    /** Returns the top genres with their probabilities, from the text that screen readers read. */
    async topGenres() {
        const texts = await this.top.allInnerTexts();
        return texts.map((text) => {
            const [, genre, percent] = /^(.+?)\s+([\d.]+)\s*%/s.exec(text) ?? [];
            if (!genre) throw new Error(`the item reads ${JSON.stringify(text)}`);
            return { genre: genre.trim(), probability: Number(percent) / 100 };
        });
    }
}

/**
 * Prepares a page so that `loseGpu` can destroy the GPU device of a worker.
 *
 * @param {import("playwright-core").Page} page
 */
export function makeGpuLosable(page) {
    // In the package's own script: it runs before the worker requests a device, and for every copy of the package.
    return append(page, "pkg/gpu/marquee.js*", `
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (descriptor) {
            const device = await request.call(this, descriptor);
            globalThis.loseGpu = () => device.destroy();
            return device;
        };`);
}

/**
 * Returns a worker of a page.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} wanted
 */
export async function workerNamed(page, wanted) {
    for (const worker of page.workers()) if ((await worker.evaluate(() => Reflect.get(globalThis, "name"))) === wanted) return worker;
    throw new Error(`the page has no worker ${wanted}`);
}

/** @param {import("playwright-core").Worker} worker */
export async function loseGpu(worker) {
    await worker.evaluate(() => Reflect.get(globalThis, "loseGpu")());
}

/**
 * Appends code to one of the page's scripts.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} path
 * @param {string} code
 */
export function append(page, path, code) {
    return page.route(`**/${path}`, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: (await response.text()) + code });
    });
}

/** Code that makes GPU buffers fail while a condition holds, by asking for more than any GPU has. @param {string} condition */
export const fullGpuMemory = (condition) => `
    const create = GPUDevice.prototype.createBuffer;
    GPUDevice.prototype.createBuffer = function (wanted) {
        return create.call(this, ${condition} ? { ...wanted, size: 2 ** 40 } : wanted);
    };`;

/** Returns the built-in model's weights as a one-file bundle with another manifest. @param {string} text */
export function withManifest(text) {
    const weights = readFileSync(`${root}www/model/${manifest.weights.file}`);
    const length = Number(weights.readBigUInt64LE());
    const header = JSON.parse(weights.subarray(8, 8 + length).toString());
    const json = JSON.stringify({ __metadata__: { "marquee.manifest": text }, ...header });
    const padded = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(padded.length));
    return Buffer.concat([size, padded, weights.subarray(8 + length)]);
}
