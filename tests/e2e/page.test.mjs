/** Classifying one poster on the real page, in headless Chromium. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { crc32, deflateSync, inflateSync } from "node:zlib";

import { Marquee, TOLERANCE, append, assertNativePredictions, fullGpuMemory, launch, loseGpu, makeGpuLosable, manifest, nativePredictions, poster, predictNatively, root, screenshot, url, visitor, webgpuFlags, workerNamed } from "./harness.mjs";

const visit = visitor();

describe("a poster", () => {
    test("is classified on the CPU when chosen as a file", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await screenshot(page, "empty-1280");
        await marquee.ready();
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "CPU");
        assert.equal(await marquee.top.count(), 3);
        await assertNativePredictions(marquee);
        assert.match((await page.locator("#took").textContent()) ?? "", /^[\d.]+ ms$/);
        assert.equal(await page.locator("#preview").isVisible(), true);
        assert.equal(await marquee.all.count(), nativePredictions.size);
        await screenshot(page, "result-1280");
    }));

    test("is classified on WebGPU when chosen as a file", () => visit(async (marquee, page) => {
        await marquee.open("?device=webgpu");
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await assertNativePredictions(marquee);
    }, { webgpu: true }));

    test("is classified on the CPU first, and still if WebGPU is slower", () => visit(async (marquee, page) => {
        // This browser emulates its GPU in software.
        await marquee.open();
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        await page.waitForFunction(() => document.querySelector("#note")?.textContent, undefined, { timeout: 240_000 });
        assert.match((await page.locator("#note").textContent()) ?? "", /CPU chosen: \d+ ms a poster, WebGPU [\d,]+/);
        assert.equal(await marquee.device.textContent(), "CPU");
        await assertNativePredictions(marquee);
    }, { webgpu: true }));

    test("is classified on the CPU first, and on WebGPU once that proves faster", () => visit(async (marquee, page) => {
        await append(page, "pkg/cpu*/marquee.js", `
            const { classifyPixels } = Classifier.prototype;
            Classifier.prototype.classifyPixels = async function (...picture) {
                await new Promise((resolve) => setTimeout(resolve, 3_000));
                return classifyPixels.apply(this, picture);
            };`);
        await marquee.open();
        await marquee.choose("lighthouse.jpg", poster); // before anything is loaded
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "CPU");
        await marquee.waitForDevice("WebGPU");
        await assertNativePredictions(marquee);
    }, { webgpu: true }));

    test("has the native probabilities in all packages", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        for (const name of ["cpu", "cpu-relaxed", "gpu"]) {
            const result = await page.evaluate(async (name) => {
                const { default: init, Classifier } = await import(new URL(`pkg/${name}/marquee.js`, location.href).href);
                await init();
                const get = async (/** @type {string} */ path) => (await fetch(path)).arrayBuffer();
                const manifest = new TextDecoder().decode(await get("model/model.json"));
                const weights = new Uint8Array(await get(`model/${JSON.parse(manifest).weights.file}`));
                const classifier = await Classifier.load(manifest, weights);
                const predictions = await classifier.classify(new Uint8Array(await get("samples/lighthouse.jpg")));
                return { device: classifier.device, predictions };
            }, name);
            const device = name === "gpu" ? "webgpu" : "cpu";
            assert.equal(result.device, device);
            assert.equal(result.predictions.length, nativePredictions.size);
            for (const { genre, probability } of result.predictions) {
                assert.ok(Math.abs(probability - (nativePredictions.get(genre) ?? NaN)) < TOLERANCE[device], `${name}: ${genre} ${probability}`);
            }
        }
    }, { webgpu: true }));

    test("is classified when dropped or pasted", () => visit(async (marquee, page) => {
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
            await marquee.waitForResult();
            await assertNativePredictions(marquee);
        }
    }));

    test("is read from a pasted data: address; other addresses are refused with the reason", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        /** @param {string} text */
        const paste = (text) => page.evaluate((text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }, text);
        await paste(`data:image/jpeg;base64,${poster.toString("base64")}`);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        await paste("https://example.org/poster.jpg");
        await page.getByText("Marquee never contacts other sites, so it cannot read the image on example.org").waitFor();
        await paste("a film about a lighthouse");
        await page.getByText("This is text, not an image").waitFor();
    }));

    test("is classified when it is a sample that was clicked", () => visit(async (marquee) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
    }));

    test("can be classified by keyboard alone: sample, genres, heatmap, settings", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        /** Presses Tab until a matching element has the focus. @param {string} selector */
        const tabTo = async (selector) => {
            for (let presses = 0; presses < 60; presses++) {
                await page.keyboard.press("Tab");
                if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
            }
            assert.fail(`Tab never reaches ${selector}`);
        };
        await tabTo("#file");
        await tabTo("#samples button");
        await page.keyboard.press("Enter");
        await marquee.waitForResult();
        assert.equal(await marquee.top.count(), 3);
        await tabTo("#top button");
        await page.keyboard.press("Space");
        await page.locator("#first-map").waitFor();
        await tabTo("#open-settings");
        await page.keyboard.press("Enter");
        await page.locator("#settings").waitFor();
        await page.keyboard.press("Escape");
        await page.locator("#settings").waitFor({ state: "hidden" });
    }));
});

describe("the heatmap", () => {
    /** Returns the share of the heatmap's pixels that are coloured. @param {import("playwright-core").Locator} canvas */
    const coloured = (canvas) => canvas.evaluate((element) => {
        if (!(element instanceof HTMLCanvasElement)) throw new Error("no canvas");
        const { data } = element.getContext("2d")?.getImageData(0, 0, element.width, element.height) ?? { data: [] };
        return [...data].filter((value, index) => index % 4 === 3 && value > 10).length / (element.width * element.height);
    });

    test("shows one genre or two side by side, with adjustable strength", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.sample.click();
        await marquee.waitForResult();
        const [first, second] = [page.locator("#first-map"), page.locator("#second-map")];
        assert.equal(await first.isVisible(), false);
        await marquee.genre(0).click();
        assert.equal(await marquee.genre(0).getAttribute("aria-pressed"), "true");
        assert.ok((await coloured(first)) > 0.05);
        const [over, under] = [await first.boundingBox(), await page.locator("#preview").boundingBox()];
        assert.deepEqual(over, under, "the heatmap covers the picture");
        assert.equal(await second.isVisible(), false);
        await page.getByLabel("Heatmap").fill("25");
        assert.equal(await first.evaluate((canvas) => getComputedStyle(canvas).opacity), "0.25");

        await marquee.genre(1).click();
        assert.equal(await second.isVisible(), true);
        const names = (await marquee.topGenres()).map(({ genre }) => genre);
        assert.equal(await page.locator("#first-caption").innerText(), names[0]);
        assert.equal(await page.locator("#second-caption").innerText(), names[1]);
        await screenshot(page, "compared-1280");

        await marquee.genre(0).click();
        await marquee.genre(1).click();
        assert.equal(await first.isVisible(), false);
    }));

    test("is the same on WebGPU and on the CPU", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        const [cpu, gpu] = await page.evaluate(async () => {
            const get = async (/** @type {string} */ path) => (await fetch(path)).arrayBuffer();
            const manifest = new TextDecoder().decode(await get("model/model.json"));
            const weights = new Uint8Array(await get(`model/${JSON.parse(manifest).weights.file}`));
            const poster = new Uint8Array(await get("samples/cellar.jpg"));
            return Promise.all(["cpu", "gpu"].map(async (name) => {
                const { default: init, Classifier } = await import(new URL(`pkg/${name}/marquee.js`, location.href).href);
                await init();
                return (await Classifier.load(manifest, weights)).explain(poster);
            }));
        });
        /** @type {(explanation: any) => number[]} */
        const values = ({ heatmaps }) => heatmaps.genres.flatMap((/** @type {{ values: Float32Array }} */ map) => Object.values(map.values));
        const [onCpu, onGpu] = [values(cpu), values(gpu)];
        assert.equal(onCpu.length, manifest.genres.length * cpu.heatmaps.x.count * cpu.heatmaps.y.count);
        const off = Math.max(...onCpu.map((value, index) => Math.abs(value - (onGpu[index] ?? NaN))));
        // The CPU rounds the inputs of its layers to 7 bits.
        assert.ok(off < 0.1 * Math.max(...onGpu.map(Math.abs)), `a contribution is off by ${off}`);
    }, { webgpu: true }));
});

describe("bad input", () => {
    /** @type {[string, Buffer, RegExp][]} */
    const bad = [
        ["notes.jpg", Buffer.from("Dear diary"), /notes\.jpg: this is not a supported image/],
        ["empty.png", Buffer.alloc(0), /empty\.png: the file is empty/],
        ["cut.jpg", poster.subarray(0, 300), /cut\.jpg: the JPEG image is damaged or incomplete/],
        ["huge.png", hugePng(12_000, 18_000), /huge\.png: the image is 12000 x 18000 pixels/],
    ];

    for (const device of ["cpu", "webgpu"]) {
        test(`is refused with the reason on ${device}, and the next poster is classified`, () => visit(async (marquee, page) => {
            await marquee.open(`?device=${device}`);
            for (const [name, bytes, message] of bad) {
                await marquee.choose(name, bytes);
                await marquee.waitForResult();
                assert.match((await marquee.error.textContent()) ?? "", message);
                assert.equal(await marquee.top.count(), 0, "the previous poster's genres must disappear");
                if (name === "notes.jpg" && device === "cpu") await screenshot(page, "refused-1280");
                await marquee.choose("lighthouse.jpg", poster);
                await marquee.waitForResult();
                assert.equal(await marquee.error.textContent(), "");
                await assertNativePredictions(marquee);
            }
            assert.equal(await marquee.device.textContent(), device === "cpu" ? "CPU" : "WebGPU");
        }, { webgpu: device === "webgpu" }));
    }

    test("that is unusual but valid is classified as natively", () => visit(async (marquee) => {
        await marquee.open("?device=cpu");
        for (const [name, bytes] of Object.entries(oddPictures())) {
            await marquee.choose(name, bytes);
            await marquee.waitForResult();
            assert.equal(await marquee.error.textContent(), "", name);
            await assertNativePredictions(marquee, predictNatively(bytes));
        }
    }));

    test("that is stored upside down is turned upright", () => visit(async (marquee) => {
        await marquee.open("?device=cpu");
        const topGenres = async (/** @type {Buffer} */ bytes) => {
            await marquee.choose("poster.jpg", bytes);
            await marquee.waitForResult();
            return marquee.topGenres();
        };
        // Genres differ because the orientation is applied.
        assert.notDeepEqual(await topGenres(turned(poster, 3)), await topGenres(poster));
    }));

    test("has its file name shown as text, not as markup", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.choose("<img src=x onerror=alert(1)>.jpg", Buffer.from("no image"));
        await marquee.waitForResult();
        assert.match((await marquee.error.textContent()) ?? "", /^<img src=x onerror=alert\(1\)>\.jpg: /);
        assert.equal(await page.locator("[role=alert] img").count(), 0);
    }));
});

/** Unusual pictures that decoders often get wrong. All of them are valid. */
function oddPictures() {
    return {
        "upside-down.jpg": turned(poster, 3),
        "on-its-side.jpg": turned(poster, 6),
        "cmyk.jpg": readFileSync(new URL("../fixtures/cmyk.jpg", import.meta.url)),
        "16-bit.png": png(40, 60, 16, 2, (x, y) => [x * 1600, 0, y * 1000]),
        "transparent.png": png(40, 60, 8, 6, (x, y) => [x * 6, y * 4, 90, x < 20 ? 0 : 255]),
        "one-pixel.png": png(1, 1, 8, 2, () => [200, 40, 40]),
        "animated.gif": animatedGif(),
    };
}

/**
 * Adds an EXIF orientation to a JPEG.
 *
 * @param {Buffer} jpeg
 * @param {number} orientation  1..=8
 */
function turned(jpeg, orientation) {
    const tiff = Buffer.from("Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x00\0\0\0\0\0\0", "latin1");
    tiff[25] = orientation;
    return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, 0, tiff.length + 2]), tiff, jpeg.subarray(2)]);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {8 | 16} depth
 * @param {2 | 6} colour  2: red, green, blue; 6: with alpha
 * @param {(x: number, y: number) => number[]} paint
 */
function png(width, height, depth, colour, paint) {
    const chunk = (/** @type {string} */ name, /** @type {Buffer} */ body) => {
        const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
        const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
        length.writeUInt32BE(body.length);
        crc.writeUInt32BE(crc32(named));
        return Buffer.concat([length, named, crc]);
    };
    const rows = Array.from({ length: height }, (_, y) => {
        const row = Array.from({ length: width }, (_, x) => paint(x, y)).flat();
        return Buffer.from([0, ...(depth === 16 ? row.flatMap((value) => [value >> 8, value & 255]) : row)]);
    });
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([depth, colour], 8);
    return Buffer.concat([
        Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
        chunk("IHDR", header),
        chunk("IDAT", deflateSync(Buffer.concat(rows))),
        chunk("IEND", Buffer.alloc(0)),
    ]);
}

/** Returns a GIF with two frames of one pixel: red, then blue. */
function animatedGif() {
    const frame = [0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2];
    return Buffer.from([
        ...Buffer.from("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255,
        ...frame, 0x44, 1, 0, ...frame, 0x4c, 1, 0, 0x3b,
    ]);
}

/**
 * Returns a PNG whose header claims a size above the limit.
 *
 * @param {number} width
 * @param {number} height
 */
function hugePng(width, height) {
    const header = Buffer.alloc(25);
    header.writeUInt32BE(13, 0);
    header.write("IHDR", 4, "latin1");
    header.writeUInt32BE(width, 8);
    header.writeUInt32BE(height, 12);
    header.set([8, 2, 0, 0, 0], 16);
    header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
    return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), header, Buffer.from("\0\0\0\0IDAT")]);
}

describe("a broken bundle", () => {
    const { weights } = manifest;

    /**
     * @param {string} path
     * @param {(body: Buffer) => Buffer} change
     * @param {RegExp} message
     */
    const refuses = (path, change, message) => visit(async (marquee, page) => {
        await page.route(`**/${path}`, async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, body: change(await response.body()) });
        });
        await marquee.open("?device=cpu");
        await marquee.choose("lighthouse.jpg", poster);
        await page.waitForFunction(() => document.querySelector("[role=alert]")?.textContent);
        await marquee.waitForResult();
        assert.match((await marquee.error.textContent()) ?? "", message);
        assert.equal(await marquee.top.count(), 0);
    });

    const compressed = `pkg/${weights.file}.zlib`;
    test("is refused if its download is truncated", () => refuses(compressed, (body) => body.subarray(0, 9999), /belongs to another version of the page/));
    test("is refused if its download is something else", () => refuses(compressed, (body) => Buffer.from(body).fill(7), /belongs to another version of the page/));
    test("is refused if its weights are truncated", () => refuses(compressed, (body) => deflateSync(inflateSync(body).subarray(0, 9999)), /have 9999 bytes, but the manifest says/));
    test("is refused if its weights have another hash", () => refuses(compressed, (body) => {
        const changed = inflateSync(body);
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        return deflateSync(changed);
    }, /SHA-256/));
    test("is refused if its manifest has another architecture", () => refuses("model/model.json", (body) => Buffer.from(body.toString().replace(/"efficientnet-lite\d"/, '"efficientnet-lite1"')), /do not match the manifest's architecture: .* is missing/));
    test("is refused if its format is newer", () => refuses("model/model.json", (body) => Buffer.from(body.toString().replace('"format_version": 1', '"format_version": 2')), /format version 2/));
    test("is refused if a file is missing", () => visit(async (marquee, page) => {
        await page.route(`**/${compressed}`, (route) => route.fulfill({ status: 404 }));
        await marquee.open("?device=cpu");
        await page.waitForFunction(() => document.querySelector("[role=alert]")?.textContent);
        assert.match((await marquee.error.textContent()) ?? "", /cannot be loaded.*404/);
        await screenshot(page, "failed-1280");
    }));
});

test("a browser that cannot decompress downloads the weights as they are", () => visit(async (marquee, page) => {
    await page.addInitScript(() => Reflect.deleteProperty(globalThis, "DecompressionStream"));
    const weights = page.waitForRequest(`**/model/${manifest.weights.file}`);
    await marquee.open("?device=cpu");
    await weights;
    await marquee.choose("lighthouse.jpg", poster);
    await marquee.waitForResult();
    assert.equal(await marquee.top.count(), 3);
}));

test("a model that is newer than the build is loaded from beside its manifest", () => visit(async (marquee, page) => {
    const file = "newer.safetensors";
    await page.route("**/model/model.json", (route) => route.fulfill({ json: { ...manifest, weights: { ...manifest.weights, file } } }));
    await page.route(`**/model/${file}`, (route) => route.fulfill({ path: `${root}www/model/${manifest.weights.file}` }));
    await marquee.open("?device=cpu");
    await marquee.choose("lighthouse.jpg", poster);
    await marquee.waitForResult();
    assert.equal(await marquee.top.count(), 3);
}));

describe("the page uses the CPU and shows why", () => {
    /**
     * @param {Marquee} marquee
     * @param {RegExp} why
     */
    async function usesCpu(marquee, why) {
        await marquee.page.waitForFunction(() => document.querySelector("#note")?.textContent, undefined, { timeout: 150_000 });
        assert.match((await marquee.page.locator("#note").textContent()) ?? "", why);
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "CPU");
        await assertNativePredictions(marquee);
    }

    test("without navigator.gpu", async () => {
        // Browsers hide WebGPU from pages without HTTPS, except on localhost.
        const plain = await launch([...webgpuFlags, "--host-resolver-rules=MAP marquee.test 127.0.0.1"]);
        try {
            const page = await plain.newPage();
            const marquee = new Marquee(page);
            await page.goto(url.replace("127.0.0.1", "marquee.test") + "?device=webgpu");
            assert.equal(await page.evaluate(() => "gpu" in navigator), false);
            await usesCpu(marquee, /this browser has no WebGPU/);
        } finally {
            await plain.close();
        }
    });

    test("if the gpu package cannot be downloaded", () => visit(async (marquee, page) => {
        await page.route("**/pkg/gpu/*.wasm", (route) => route.abort());
        await marquee.open();
        await usesCpu(marquee, /WebGPU is not used: /);
    }, { webgpu: true }));

    test("if the browser offers no adapter", () => visit(async (marquee, page) => {
        await append(page, "marquee/devices.js", "GPU.prototype.requestAdapter = async () => null;");
        await marquee.open("?device=webgpu");
        await usesCpu(marquee, /this browser offers no GPU/);
    }, { webgpu: true }));

    for (const [what, request, why] of /** @type {const} */ ([
        ["if the adapter refuses a device", "throw new DOMException('out of devices', 'OperationError');", /WebGPU is not used: .*out of devices/],
        ["if the device is lost while the model is loaded", "const device = await ask.apply(this, wanted); device.destroy(); return device;", /WebGPU is not used: /],
    ])) {
        test(what, () => visit(async (marquee, page) => {
            await append(page, "pkg/gpu/marquee.js", `
                const ask = GPUAdapter.prototype.requestDevice;
                GPUAdapter.prototype.requestDevice = async function (...wanted) { ${request} };`);
            await marquee.open("?device=webgpu");
            await usesCpu(marquee, why);
        }, { webgpu: true }));
    }

    test("if the GPU computes wrong results", () => visit(async (marquee, page) => {
        await append(page, "pkg/gpu/marquee.js", `
            Classifier.load = async () => ({ classifyPixels: async () => [{ genre: "Drama", probability: 0.123, likely: false }] });`);
        await marquee.open();
        await usesCpu(marquee, /the GPU computes wrong results/);
    }, { webgpu: true }));

    test("if the GPU fails later", () => visit(async (marquee, page) => {
        // The self-test passes; the second poster fails.
        await append(page, "pkg/gpu/marquee.js", `
            const explain = Classifier.prototype.explain;
            let posters = 0;
            Classifier.prototype.explain = function (...poster) {
                if (++posters > 1) return Promise.reject(new Error("the device was lost"));
                return explain.apply(this, poster);
            };`);
        await marquee.open("?device=webgpu");
        await marquee.choose("first.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await marquee.choose("second.jpg", poster);
        await usesCpu(marquee, /WebGPU failed: the device was lost/);
    }, { webgpu: true }));

    test("if GPU memory is full before the model is loaded", () => visit(async (marquee, page) => {
        await append(page, "pkg/gpu/marquee.js", fullGpuMemory("true"));
        await marquee.open("?device=webgpu");
        await usesCpu(marquee, /WebGPU is not used: /);
    }, { webgpu: true }));

    test("if GPU memory is full later", () => visit(async (marquee, page) => {
        await append(page, "pkg/gpu/marquee.js", fullGpuMemory("globalThis.full"));
        await marquee.open("?device=webgpu");
        await marquee.choose("first.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await (await workerNamed(page, "marquee-gpu")).evaluate(() => Reflect.set(globalThis, "full", true));
        // A single poster would fit into the memory of the first one.
        await marquee.file.setInputFiles(Array.from({ length: 12 }, (_, index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer: poster })));
        await page.getByText(/^12 in /).waitFor({ timeout: 120_000 });
        await usesCpu(marquee, /WebGPU failed: .*It is tried again in a minute/);
    }, { webgpu: true }));

    test("if the device is lost", () => visit(async (marquee, page) => {
        await makeGpuLosable(page);
        await marquee.open("?device=webgpu");
        await marquee.choose("first.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU", (await page.locator("#note").textContent()) ?? "");
        await loseGpu(await workerNamed(page, "marquee-gpu"));
        await marquee.choose("second.jpg", poster);
        await usesCpu(marquee, /WebGPU failed: .*It is tried again in a minute/);
    }, { webgpu: true }));

    test("after the device was lost, and tries WebGPU again after a pause", () => visit(async (marquee, page) => {
        await makeGpuLosable(page);
        await page.route("**/marquee/devices.js", async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, body: (await response.text()).replace("RETRY_AFTER = 60_000", "RETRY_AFTER = 1_000") });
        });
        await marquee.open("?device=webgpu");
        await marquee.choose("first.jpg", poster);
        await marquee.waitForResult();
        assert.equal(await marquee.device.textContent(), "WebGPU");
        await loseGpu(await workerNamed(page, "marquee-gpu"));
        await marquee.choose("second.jpg", poster);
        await usesCpu(marquee, /WebGPU failed/);
        await marquee.waitForDevice("WebGPU");
        await assertNativePredictions(marquee);
    }, { webgpu: true }));
});
