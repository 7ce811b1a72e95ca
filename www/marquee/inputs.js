/**
 * Turns what a caller passes as a poster into what a worker takes. Image files go to Marquee's own decoder wherever their
 * bytes can be had; only what exists as pixels alone is read as pixels.
 *
 * @import { PosterInput } from "./api.js"
 * @import { Fetch } from "./download.js"
 * @import { PixelSource, Source } from "./messages.js"
 */

import { absolute } from "./assets.js";
import { MarqueeError, failure, firstLine } from "./errors.js";
import { bytes } from "./download.js";

/**
 * @param {PosterInput} input
 * @param {{ fetch: Fetch, signal?: AbortSignal | undefined }} request
 * @returns {Promise<Source>}
 */
export async function sourceOf(input, request) {
    if (input instanceof Blob || input instanceof Uint8Array) return { kind: "file", file: input };
    if (input instanceof ArrayBuffer) return { kind: "file", file: new Uint8Array(input) };
    if (typeof input === "string" || input instanceof URL) return { kind: "file", file: await download(absolute(input), request) };
    if (is(input, "HTMLImageElement")) return imageSource(/** @type {HTMLImageElement} */ (input), request);
    if (is(input, "HTMLVideoElement")) {
        const video = /** @type {HTMLVideoElement} */ (input);
        if (video.readyState < video.HAVE_CURRENT_DATA) throw failure("image-not-loaded", { what: "video" });
        return draw(video, video.videoWidth, video.videoHeight, "video");
    }
    if (is(input, "ImageData")) {
        const { data, width, height } = /** @type {ImageData} */ (input);
        if (!(data instanceof Uint8ClampedArray)) throw failure("unsupported-input", { what: "an ImageData of floats" });
        return { kind: "pixels", data, width, height };
    }
    for (const [type, what] of [["HTMLCanvasElement", "canvas"], ["OffscreenCanvas", "canvas"], ["ImageBitmap", "ImageBitmap"]]) {
        if (!type || !what || !is(input, type)) continue;
        const drawable = /** @type {HTMLCanvasElement | OffscreenCanvas | ImageBitmap} */ (input);
        return draw(drawable, drawable.width, drawable.height, what);
    }
    throw failure("unsupported-input", { what: input === null ? "null" : input === undefined ? "undefined" : Object.prototype.toString.call(input).slice(8, -1) });
}

/** Whether a value is of a class that only browsers have. @param {unknown} input @param {string} type */
function is(input, type) {
    const kind = Reflect.get(globalThis, type);
    // An element of another window, such as an iframe's, is of that window's class.
    return (typeof kind === "function" && input instanceof kind) || Object.prototype.toString.call(input) === `[object ${type}]`;
}

/**
 * @param {URL} url
 * @param {{ fetch: Fetch, signal?: AbortSignal | undefined }} request
 */
async function download(url, { fetch, signal }) {
    const path = url.protocol === "data:" ? "the data: address" : url.href;
    return bytes(fetch, url, { path, signal });
}

/**
 * @param {HTMLImageElement} image
 * @param {{ fetch: Fetch, signal?: AbortSignal | undefined }} request
 */
async function imageSource(image, request) {
    if (!image.complete || !image.naturalWidth || !image.currentSrc) throw failure("image-not-loaded", { what: "image" });
    try {
        return /** @type {Source} */ ({ kind: "file", file: await download(new URL(image.currentSrc), request) });
    } catch (error) {
        request.signal?.throwIfAborted();
        if (!(error instanceof MarqueeError)) throw error;
        // The policy of the page or of the image's site forbids the download. The pixels may be readable.
        return draw(image, image.naturalWidth, image.naturalHeight, "image");
    }
}

/**
 * @param {CanvasImageSource} drawable
 * @param {number} width
 * @param {number} height
 * @param {string} what
 * @returns {PixelSource}
 */
function draw(drawable, width, height, what) {
    if (!width || !height) throw failure("no-pixels", { what });
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw failure("unsupported-input", { what: `an image of ${width} x ${height} pixels` });
    context.drawImage(drawable, 0, 0, width, height);
    try {
        return { kind: "pixels", data: context.getImageData(0, 0, width, height).data, width, height };
    } catch (error) {
        if (error instanceof DOMException && error.name === "SecurityError") throw failure("tainted-image", { what });
        throw failure("unsupported-input", { what: `the ${what} (${firstLine(error)})` });
    }
}
