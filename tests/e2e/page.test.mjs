/** The real page in headless Chromium, as a visitor uses it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";

import { Marquee, launch, nativeAnswer, root, sample, screenshot, url } from "./harness.mjs";

const poster = readFileSync(sample);

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/**
 * A page of its own for each test, and whatever it logs as an error fails the test.
 *
 * @param {(marquee: Marquee, page: import("playwright-core").Page) => Promise<void>} work
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
async function visit(work, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
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
}

/**
 * The page's top genres are the native run's, in order, to the rounding of a percentage.
 *
 * @param {Marquee} marquee
 */
async function answersAsNatively(marquee) {
    const native = [...nativeAnswer].slice(0, 3);
    const shown = await marquee.topGenres();
    assert.deepEqual(shown.map(({ genre }) => genre), native.map(([genre]) => genre));
    for (const [index, [, probability]] of native.entries()) {
        assert.ok(Math.abs((shown[index]?.probability ?? NaN) - probability) <= 0.0061, `${JSON.stringify(shown)} is not ${native}`);
    }
}

describe("classifying", () => {
    test("a chosen file, on the CPU", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await screenshot(page, "empty-1280");
        await marquee.ready();
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.answered();
        assert.equal(await marquee.device.textContent(), "CPU");
        assert.equal(await marquee.top.count(), 3);
        await answersAsNatively(marquee);
        assert.match((await page.locator("#took").textContent()) ?? "", /^[\d.]+ ms$/);
        assert.equal(await page.locator("#preview").isVisible(), true);
        assert.equal(await marquee.all.count(), nativeAnswer.size);
        await screenshot(page, "answer-1280");
    }));

    test("a chosen file, on WebGPU", () => visit(async (marquee, page) => {
        await marquee.open("?device=webgpu");
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.answered();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await answersAsNatively(marquee);
    }));

    test("the CPU answers first and WebGPU takes over", () => visit(async (marquee) => {
        await marquee.open();
        await marquee.choose("lighthouse.jpg", poster); // before anything is loaded
        await marquee.answered();
        assert.equal(await marquee.device.textContent(), "CPU");
        await marquee.answeredBy("WebGPU");
        await answersAsNatively(marquee);
    }));

    test("both packages give the native probabilities within 1e-3", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        for (const name of ["cpu", "gpu"]) {
            const answer = await page.evaluate(async (name) => {
                const { default: init, Classifier } = await import(new URL(`pkg/${name}/marquee.js`, location.href).href);
                await init();
                const get = async (/** @type {string} */ path) => (await fetch(path)).arrayBuffer();
                const manifest = new TextDecoder().decode(await get("model/model.json"));
                const weights = new Uint8Array(await get(`model/${JSON.parse(manifest).weights.file}`));
                const classifier = await Classifier.load(manifest, weights);
                const predictions = await classifier.classify(new Uint8Array(await get("samples/lighthouse.jpg")));
                return { device: classifier.device, predictions };
            }, name);
            assert.equal(answer.device, name === "gpu" ? "webgpu" : "cpu");
            assert.equal(answer.predictions.length, nativeAnswer.size);
            for (const { genre, probability } of answer.predictions) {
                assert.ok(Math.abs(probability - (nativeAnswer.get(genre) ?? NaN)) < 1e-3, `${name}: ${genre} ${probability}`);
            }
        }
    }));

    test("a dropped and a pasted file", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        for (const kind of ["drop", "paste"]) {
            await page.evaluate(async (kind) => {
                const blob = await (await fetch("samples/lighthouse.jpg")).blob();
                const data = new DataTransfer();
                data.items.add(new File([blob], `${kind}.jpg`, { type: "image/jpeg" }));
                const event = kind === "drop"
                    ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
                    : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
                document.body.dispatchEvent(event);
            }, kind);
            await page.getByRole("img", { name: `Poster: ${kind}.jpg` }).waitFor();
            await marquee.answered();
            await answersAsNatively(marquee);
        }
    }));

    test("a click on the sample", () => visit(async (marquee) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.answered();
        await answersAsNatively(marquee);
    }));

    test("by keyboard alone", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.keyboard.press("Tab");
        assert.equal(await page.evaluate(() => document.activeElement?.id), "file");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await marquee.answered();
        assert.equal(await marquee.top.count(), 3);
    }));
});

describe("bad input", () => {
    /** @type {[string, Buffer, RegExp][]} */
    const bad = [
        ["notes.jpg", Buffer.from("Dear diary"), /notes\.jpg: this is not an image/],
        ["empty.png", Buffer.alloc(0), /empty\.png: the file is empty/],
        ["cut.jpg", poster.subarray(0, 300), /cut\.jpg: the JPEG image is damaged or cut short/],
        ["huge.png", hugePng(), /huge\.png: the image is 30000 x 30000 pixels/],
    ];

    for (const device of ["cpu", "webgpu"]) {
        test(`is refused with its reason and the next poster is answered, on ${device}`, () => visit(async (marquee, page) => {
            await marquee.open(`?device=${device}`);
            for (const [name, bytes, message] of bad) {
                await marquee.choose(name, bytes);
                await marquee.answered();
                assert.match((await marquee.error.textContent()) ?? "", message);
                assert.equal(await marquee.top.count(), 0, "another poster's genres must not stay");
                if (name === "notes.jpg" && device === "cpu") await screenshot(page, "refused-1280");
                await marquee.choose("lighthouse.jpg", poster);
                await marquee.answered();
                assert.equal(await marquee.error.textContent(), "");
                await answersAsNatively(marquee);
            }
            assert.equal(await marquee.device.textContent(), device === "cpu" ? "CPU" : "WebGPU");
        }));
    }

    test("a file's name shows as text", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.choose("<img src=x onerror=alert(1)>.jpg", Buffer.from("no image"));
        await marquee.answered();
        assert.match((await marquee.error.textContent()) ?? "", /^<img src=x onerror=alert\(1\)>\.jpg: /);
        assert.equal(await page.locator("[role=alert] img").count(), 0);
    }));
});

/** A PNG whose header promises 30,000 x 30,000 pixels. */
function hugePng() {
    const header = Buffer.alloc(25);
    header.writeUInt32BE(13, 0);
    header.write("IHDR", 4, "latin1");
    header.writeUInt32BE(30_000, 8);
    header.writeUInt32BE(30_000, 12);
    header.set([8, 2, 0, 0, 0], 16);
    header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
    return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), header, Buffer.from("\0\0\0\0IDAT")]);
}

describe("a bundle that does not fit", () => {
    /** @type {{ file: string }} */
    const weights = JSON.parse(readFileSync(`${root}www/model/model.json`, "utf8")).weights;

    /**
     * @param {string} path
     * @param {(body: Buffer) => Buffer} change
     * @param {RegExp} message
     */
    const refuses = (path, change, message) => visit(async (marquee, page) => {
        await page.route(`**/model/${path}`, async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, body: change(await response.body()) });
        });
        await marquee.open("?device=cpu");
        await marquee.choose("lighthouse.jpg", poster);
        await page.waitForFunction(() => document.querySelector("[role=alert]")?.textContent);
        await marquee.answered();
        assert.match((await marquee.error.textContent()) ?? "", message);
        assert.equal(await marquee.top.count(), 0);
    });

    test("weights cut short", () => refuses(weights.file, (body) => body.subarray(0, 9999), /have 9999 bytes where the manifest says/));
    test("weights of another hash", () => refuses(weights.file, (body) => {
        const changed = Buffer.from(body);
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        return changed;
    }, /SHA-256/));
    test("a manifest of another shape", () => refuses("model.json", (body) => Buffer.from(body.toString().replace('"efficientnet-lite0"', '"efficientnet-lite1"')), /do not fit the manifest's architecture: .* is missing/));
    test("a newer manifest", () => refuses("model.json", (body) => Buffer.from(body.toString().replace('"format_version": 1', '"format_version": 2')), /format version 2/));
    test("a missing file", () => visit(async (marquee, page) => {
        await page.route(`**/model/${weights.file}`, (route) => route.fulfill({ status: 404 }));
        await marquee.open("?device=cpu");
        await page.waitForFunction(() => document.querySelector("[role=alert]")?.textContent);
        assert.match((await marquee.error.textContent()) ?? "", /cannot be loaded.*404/);
        await screenshot(page, "failed-1280");
    }));
});

describe("without a GPU that works, the CPU answers and the page says why", () => {
    /**
     * @param {Marquee} marquee
     * @param {RegExp} why
     */
    async function cpuAnswers(marquee, why) {
        await marquee.page.waitForFunction(() => document.querySelector("#note")?.textContent, undefined, { timeout: 240_000 });
        assert.match((await marquee.page.locator("#note").textContent()) ?? "", why);
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.answered();
        assert.equal(await marquee.device.textContent(), "CPU");
        await answersAsNatively(marquee);
    }

    test("no navigator.gpu at all", async () => {
        // Browsers hide WebGPU from pages that come without encryption from another machine than this one.
        const plain = await launch(["--host-resolver-rules=MAP marquee.test 127.0.0.1"]);
        try {
            const page = await plain.newPage();
            const marquee = new Marquee(page);
            await page.goto(url.replace("127.0.0.1", "marquee.test") + "?device=webgpu");
            assert.equal(await page.evaluate(() => "gpu" in navigator), false);
            await cpuAnswers(marquee, /this browser has no WebGPU/);
        } finally {
            await plain.close();
        }
    });

    test("the gpu package cannot be downloaded", () => visit(async (marquee, page) => {
        await page.route("**/pkg/gpu/*.wasm", (route) => route.abort());
        await marquee.open();
        await cpuAnswers(marquee, /Without WebGPU/);
    }));

    test("a GPU that computes wrongly", () => visit(async (marquee, page) => {
        await page.route("**/pkg/gpu/marquee.js", async (route) => {
            const response = await route.fetch();
            const wrong = (await response.text()) + `
                Classifier.load = async () => ({ classify: async () => [{ genre: "Drama", probability: 0.123, likely: false }] });`;
            await route.fulfill({ response, body: wrong });
        });
        await marquee.open();
        await cpuAnswers(marquee, /the GPU computes wrongly/);
    }));

    test("a GPU that fails later", () => visit(async (marquee, page) => {
        // The self-check passes, the second poster does not.
        await page.route("**/pkg/gpu/marquee.js", async (route) => {
            const response = await route.fetch();
            const failing = (await response.text()) + `
                const classify = Classifier.prototype.classify;
                let posters = 0;
                Classifier.prototype.classify = function (...poster) {
                    if (++posters > 2) return Promise.reject(new Error("the device was lost"));
                    return classify.apply(this, poster);
                };`;
            await route.fulfill({ response, body: failing });
        });
        await marquee.open("?device=webgpu");
        await marquee.choose("first.jpg", poster);
        await marquee.answered();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await marquee.choose("second.jpg", poster);
        await cpuAnswers(marquee, /WebGPU failed: the device was lost/);
    }));
});

describe("the page", () => {
    test("shows the download in bytes", () => visit(async (marquee, page) => {
        await page.route("**/pkg/cpu/*.wasm", async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 1500));
            await route.continue();
        });
        await marquee.open("?device=cpu");
        await page.getByText(/Loading the network: [\d.]+ of [\d.]+ MB/).waitFor();
        await screenshot(page, "loading-1280");
        await marquee.ready();
    }));

    test("connects to nothing but its own origin", () => visit(async (marquee, page) => {
        /** @type {string[]} */
        const elsewhere = [];
        page.on("request", (request) => {
            if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) elsewhere.push(request.url());
        });
        await marquee.open("?device=webgpu");
        await marquee.sample.click();
        await marquee.answered();
        assert.deepEqual(elsewhere, []);
        const refused = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "", (error) => String(error)));
        assert.match(refused, /TypeError/);
        const violated = await page.evaluate(() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective), { once: true });
            fetch("http://127.0.0.1:9/").catch(() => {});
        }));
        assert.equal(violated, "connect-src");
    }));

    test("tells the network's figures beside guessing", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByText("How good is it?").click();
        const first = page.getByRole("row").nth(1);
        assert.match(await first.innerText(), /binary cross-entropy.*\d\.\d{3}\s+\d\.\d{3}/s);
        await screenshot(page, "card-1280");
    }));

    for (const [width, scheme] of /** @type {[number, "light" | "dark"][]} */ ([[360, "light"], [360, "dark"], [1280, "dark"], [2560, "light"]])) {
        test(`looks right at ${width} pixels, ${scheme}`, () => visit(async (marquee, page) => {
            await marquee.open("?device=cpu");
            await marquee.ready();
            await screenshot(page, `empty-${width}-${scheme}`);
            await marquee.sample.click();
            await marquee.answered();
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
            await screenshot(page, `answer-${width}-${scheme}`);
        }, { viewport: { width, height: 900 }, colorScheme: scheme }));
    }
});
