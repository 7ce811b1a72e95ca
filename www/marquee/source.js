/**
 * Posters as files: reads them, lets the browser decode the formats that Marquee does not read, and makes small images
 * of them, so that a gallery never holds hundreds of full-size ones.
 *
 * @import { PixelSource, Source } from "./messages.js"
 */

import { failure, firstLine } from "./errors.js";

/** Largest file that is read, in bytes; a poster has a few hundred thousand. */
const LARGEST_FILE = 100e6;

/** Most pixels of an image that the browser decodes: the same as of Marquee's own decoder. */
const MOST_PIXELS = 50e6;

/** Largest width of a small image, as a multiple of the height. */
const MAX_RATIO = 4;

/**
 * Returns a poster's image file. Pixels are encoded as PNG, which loses nothing.
 *
 * @param {Source} source
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytesOf(source) {
    if (source.kind === "pixels") return encode(source);
    const { file } = source;
    const bytes = file instanceof Blob ? file.size : file.byteLength;
    if (bytes > LARGEST_FILE) throw failure("file-too-large", { bytes, limit: LARGEST_FILE });
    if (!(file instanceof Blob)) return /** @type {Uint8Array<ArrayBuffer>} */ (file);
    try {
        return new Uint8Array(await file.arrayBuffer());
    } catch (error) {
        throw failure("unreadable-file", { reason: firstLine(error) });
    }
}

/**
 * Whether a file is of a format that some browsers decode and Marquee does not: AVIF and HEIC (both ISO base media
 * files), and JPEG XL. No other file reaches the browser's decoder, so that all files are refused alike everywhere.
 *
 * @param {Uint8Array} bytes
 */
export function isForTheBrowser(bytes) {
    const text = (/** @type {number} */ from, /** @type {number} */ to) => String.fromCharCode(...bytes.subarray(from, to));
    return text(4, 8) === "ftyp" || text(4, 8) === "JXL " || text(0, 2) === "\xff\x0a";
}

/**
 * Decodes an image file with the browser.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<PixelSource | undefined>}  undefined if the browser cannot
 */
export async function decodeInBrowser(bytes) {
    if (!globalThis.OffscreenCanvas || !globalThis.createImageBitmap) return undefined;
    const bitmap = await createImageBitmap(new Blob([bytes])).catch(() => undefined);
    if (!bitmap) return undefined;
    const { width, height } = bitmap;
    try {
        return width * height <= MOST_PIXELS ? pixelsOf(bitmap) : undefined;
    } finally {
        bitmap.close();
    }
}

/**
 * Returns a small JPEG of an image; null if the browser cannot decode it. The model may decode it all the same.
 *
 * @param {Blob} file
 * @param {number} height  in pixels
 */
export async function thumbnail(file, height) {
    try {
        const bitmap = await createImageBitmap(file, { resizeHeight: height, resizeQuality: "medium" });
        const canvas = new OffscreenCanvas(Math.min(bitmap.width, MAX_RATIO * height), bitmap.height);
        const context = canvas.getContext("2d");
        if (!context) return null;
        context.fillStyle = "white"; // the model sees transparent pixels on white, too
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(bitmap, 0, 0);
        bitmap.close();
        return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    } catch {
        return null;
    }
}

/** @param {ImageBitmap} bitmap @returns {PixelSource} */
function pixelsOf(bitmap) {
    const { width, height } = bitmap;
    const context = contextOf(width, height);
    context.drawImage(bitmap, 0, 0);
    return { kind: "pixels", data: context.getImageData(0, 0, width, height).data, width, height };
}

/** @param {PixelSource} source */
async function encode({ data, width, height }) {
    const context = contextOf(width, height);
    context.putImageData(new ImageData(/** @type {Uint8ClampedArray<ArrayBuffer>} */ (data), width, height), 0, 0);
    const blob = await context.canvas.convertToBlob({ type: "image/png" });
    return new Uint8Array(await blob.arrayBuffer());
}

/** @param {number} width @param {number} height */
function contextOf(width, height) {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw failure("unsupported-input", { what: `an image of ${width} x ${height} pixels` });
    return context;
}
