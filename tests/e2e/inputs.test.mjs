/** What can be classified with the package, and the error for everything that cannot. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { nativePredictions, poster, root, url, visitor, withManifest } from "./harness.mjs";

const visit = visitor();

/** @typedef {typeof import("../../www/marquee/index.js")} Api */

/** A picture of 32 x 48 pixels. */
const AVIF = "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAASwAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAIAAAADAAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAU21kYXQSAAoJGBF/e0QENBoQMjwax4eF4cwwwwKFQADdjo+cvo65M6if/612qUQot/VtMLiKmjl1///3zWx7s2kX3w2OXiomlX+L2anU0OA=";

/** Another origin, without CORS. @type {import("node:http").Server} */
let other;
let otherUrl = "";
before(async () => {
    other = createServer((_, response) => response.writeHead(200, { "content-type": "image/jpeg" }).end(poster));
    await new Promise((resolve) => other.listen(0, "127.0.0.1", () => resolve(undefined)));
    const bound = other.address();
    otherUrl = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}/poster.jpg`;
});
after(() => other.close());

/** Opens an empty page of the package's origin. @param {import("playwright-core").Page} page */
async function open(page) {
    await page.route("**/blank.html", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>blank</title>" }));
    await page.context().grantPermissions(["local-network-access"]); // to ask the other origin
    await page.goto(`${url}blank.html`);
    await page.evaluate(async () => Object.assign(window, { api: await import(new URL("marquee/index.js", location.href).href) }));
}

test("every kind of input gives the genres of the poster", () => visit(async (_, page) => {
    await open(page);
    const results = await page.evaluate(async (avif) => {
        const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
        const marquee = await load({ device: "cpu", workers: 1 });
        const address = "samples/lighthouse.jpg";
        const blob = await (await fetch(address)).blob();
        const buffer = await blob.arrayBuffer();
        const image = new Image();
        image.src = address;
        await image.decode();
        const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
        const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        context.drawImage(image, 0, 0);
        const offscreen = new OffscreenCanvas(canvas.width, canvas.height);
        offscreen.getContext("2d")?.drawImage(image, 0, 0);
        const video = document.createElement("video");
        video.muted = true;
        video.srcObject = canvas.captureStream(10);
        await video.play();
        const inputs = {
            File: new File([blob], "poster.jpg"),
            Blob: blob,
            ArrayBuffer: buffer,
            Uint8Array: new Uint8Array(buffer),
            URL: new URL(address, location.href),
            string: address,
            HTMLImageElement: image,
            HTMLCanvasElement: canvas,
            OffscreenCanvas: offscreen,
            ImageBitmap: await createImageBitmap(blob),
            ImageData: context.getImageData(0, 0, canvas.width, canvas.height),
            HTMLVideoElement: video,
            AVIF: await (await fetch(`data:image/avif;base64,${avif}`)).blob(),
        };
        /** @type {Record<string, { genres: { genre: string, probability: number }[], decoder: string, explained: { genre: string, probability: number }[], places: number }>} */
        const results = {};
        for (const [kind, input] of Object.entries(inputs)) {
            const { genres, decoder } = await marquee.classify(input);
            const explained = await marquee.classify(input, { heatmaps: ["Drama"] });
            results[kind] = { genres, decoder, explained: explained.genres, places: explained.heatmaps?.genres[0]?.values.length ?? 0 };
        }
        const { byteLength } = buffer; // still the caller's
        marquee.close();
        return { results, byteLength };
    }, AVIF);
    assert.equal(results.byteLength, poster.length);
    for (const [kind, { genres, decoder, explained, places }] of Object.entries(results.results)) {
        const isFile = ["File", "Blob", "ArrayBuffer", "Uint8Array", "URL", "string", "HTMLImageElement"].includes(kind);
        assert.equal(decoder, isFile ? "marquee" : "browser", kind);
        assert.ok(places > 1, kind);
        // Browsers decode JPEG a little differently, and video in fewer colours.
        const tolerance = isFile ? 1e-3 : kind === "HTMLVideoElement" ? 0.15 : 0.03;
        for (const [index, { genre, probability }] of genres.entries()) {
            if (kind !== "AVIF") assert.ok(Math.abs(probability - (nativePredictions.get(genre) ?? NaN)) <= tolerance, `${kind}: ${genre} ${probability}`);
            const again = explained.find((other) => other.genre === genre)?.probability ?? NaN;
            assert.ok(Math.abs(probability - again) < 1e-3, `${kind} with heatmaps: ${index} ${genre} ${again}`);
        }
    }
}));

test("bad input is refused with a code and the reason:", (context) => visit(async (_, page) => {
    /**
     * What is done on the page, with the package's exports and another origin's address; the code; the message.
     *
     * @type {[string, (api: Api, other: string) => Promise<unknown>, string, RegExp][]}
     */
    const classifying = [
        ["a wrong address", async ({ load }) => (await load({ device: "cpu" })).classify("http://["), "bad-address", /"http:\/\/\[" is not an address/],
        ["a missing poster", async ({ load }) => (await load({ device: "cpu" })).classify("samples/missing.jpg"), "http-status", /missing\.jpg cannot be loaded: the server responded 404/],
        ["another site without CORS", async ({ load }, other) => (await load({ device: "cpu" })).classify(other), "download-failed", /poster\.jpg cannot be downloaded: .*\(CORS\)/],
        ["an image of another site", async ({ load }, other) => {
            const image = Object.assign(new Image(), { src: other });
            await image.decode();
            return (await load({ device: "cpu" })).classify(image);
        }, "tainted-image", /the image shows an image of another site/],
        ["a tainted canvas", async ({ load }, other) => {
            const image = Object.assign(new Image(), { src: other });
            await image.decode();
            const canvas = document.createElement("canvas");
            canvas.getContext("2d")?.drawImage(image, 0, 0);
            return (await load({ device: "cpu" })).classify(canvas);
        }, "tainted-image", /the canvas shows an image of another site/],
        ["an image that has not loaded", async ({ load }) => (await load({ device: "cpu" })).classify(new Image()), "image-not-loaded", /the image has not loaded/],
        ["a video that has not loaded", async ({ load }) => (await load({ device: "cpu" })).classify(document.createElement("video")), "image-not-loaded", /the video has not loaded/],
        ["an empty canvas", async ({ load }) => (await load({ device: "cpu" })).classify(Object.assign(document.createElement("canvas"), { width: 0 })), "no-pixels", /the canvas is empty/],
        ["an empty file", async ({ load }) => (await load({ device: "cpu" })).classify(new Blob()), "empty-image", /the file is empty/],
        ["what is no poster", async ({ load }) => (await load({ device: "cpu" })).classify(/** @type {any} */ (document.body)), "unsupported-input", /HTMLBodyElement is not a poster/],
        ["a genre that the model lacks", async ({ load }) => (await load({ device: "cpu" })).classify(new Blob(), { heatmaps: ["Opera"] }), "unknown-genre", /the model has no genre "Opera"; it has Action/],
        ["an unknown option", async ({ load }) => (await load({ device: "cpu" })).classify(new Blob(), /** @type {any} */ ({ topK: 3 })), "TypeError", /classify: unknown option "topK"; the options are top/],
        ["a wrong option", async ({ load }) => load(/** @type {any} */ ({ workers: 0.5 })), "TypeError", /load: the option workers must be "auto" or a whole number above 0/],
        ["an unknown option of a fine-tuner", async ({ fineTuner }) => fineTuner(/** @type {any} */ ({ epochs: 3 })), "TypeError", /epochs/],
        ["a closed instance", async ({ load }) => {
            const marquee = await load({ device: "cpu" });
            marquee.close();
            return marquee.classify(new Blob());
        }, "closed", /this instance is closed/],
        ["a second close", async ({ load }) => {
            const marquee = await load({ device: "cpu" });
            marquee.close();
            marquee.close();
        }, "closed", /this instance is closed/],
        ["a poster under way when the instance is closed", async ({ load }) => {
            const marquee = await load({ device: "cpu" });
            const result = marquee.classify("samples/lighthouse.jpg");
            marquee.close();
            return result;
        }, "closed", /this instance is closed/],
        ["a model that is missing", async ({ load }) => load({ model: "model/missing.safetensors" }), "http-status", /missing\.safetensors cannot be loaded: the server responded 404/],
        ["a page instead of a model", async ({ load }) => load({ model: "index.html" }), "html-instead", /index\.html is an HTML page/],
        ["a manifest that is none", async ({ load }) => load({ model: "data:application/json,7/model.json" }), "bad-manifest", /is not a model's manifest/],
        ["a folder without the package", async ({ load }) => load({ assets: "samples" }), "not-found", /is not there .*: serve the package's folder/],
        ["a browser without SIMD", async ({ load }) => {
            const { validate } = WebAssembly;
            WebAssembly.validate = () => false;
            return load().finally(() => (WebAssembly.validate = validate));
        }, "no-simd", /this browser is too old/],
    ];
    await open(page);
    for (const [what, work, code, message] of classifying) {
        await context.test(what, async () => {
            const error = await page.evaluate(async ([work, other]) => {
                const api = /** @type {Api} */ (Reflect.get(window, "api"));
                /** @type {import("../../www/marquee/api.js").Marquee[]} */
                const opened = [];
                const load = async (/** @type {import("../../www/marquee/api.js").LoadOptions} */ options) => {
                    const marquee = await api.load(options);
                    opened.push(marquee);
                    return marquee;
                };
                try {
                    await (0, eval)(work)({ ...api, load }, other);
                    return { code: "nothing", message: "" };
                } catch (error) {
                    return { code: Reflect.get(Object(error), "code") ?? Reflect.get(Object(error), "name"), message: Reflect.get(Object(error), "message") };
                } finally {
                    for (const marquee of opened) {
                        try {
                            marquee.close();
                        } catch {
                            // It is closed already.
                        }
                    }
                }
            }, /** @type {const} */ ([`(${work})`, otherUrl]));
            assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
        });
    }
}));

test("a bundle in one file, an address of one and an address of a folder are models", () => visit(async (_, page) => {
    await page.route("**/mine.safetensors", (route) => route.fulfill({ body: withManifest(readFileSync(`${root}www/model/model.json`, "utf8")) }));
    await open(page);
    const genres = await page.evaluate(async () => {
        const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
        const file = await (await fetch("mine.safetensors")).blob();
        const genres = [];
        for (const model of [file, await file.arrayBuffer(), "mine.safetensors", "model/", new URL("model/model.json", location.href)]) {
            /** @type {import("../../www/marquee/api.js").LoadProgress | undefined} */
            let last;
            const marquee = await load({ device: "cpu", model, onProgress: (progress) => (last = progress) });
            genres.push(JSON.stringify((await marquee.classify("samples/lighthouse.jpg")).genres));
            if (!last || last.loaded !== last.total || last.filesLoaded !== last.filesTotal) throw new Error(`progress ended at ${JSON.stringify(last)}`);
            marquee.close();
        }
        return genres;
    });
    assert.equal(genres.length, 5);
    assert.equal(new Set(genres).size, 1);
}));

test("storage that the browser blocks is not needed", () => visit(async (_, page) => {
    await page.addInitScript(() => {
        for (const name of ["indexedDB", "localStorage", "sessionStorage", "caches"]) {
            Object.defineProperty(window, name, { get: () => { throw new DOMException("blocked", "SecurityError"); } });
        }
    });
    await open(page);
    const genres = await page.evaluate(async () => {
        const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
        const marquee = await load({ device: "cpu" });
        return (await marquee.classify("samples/lighthouse.jpg", { top: 3 })).genres.length;
    });
    assert.equal(genres, 3);
}));
