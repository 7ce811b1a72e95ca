/** Decodes and resizes a poster to the model's input size, by Marquee and by the browser. */

import { decode } from "./engines/input.js";
import { load } from "./engines/marquee.js";

const { classifier } = await load("cpu");
const image = await createImageBitmap(await (await fetch("../www/samples/lighthouse.jpg")).blob());

/** Encodes the sample poster in a size and a format. @param {number} width @param {string} type */
async function encode(width, type) {
    const canvas = new OffscreenCanvas(width, width * 1.5);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type, quality: 0.9 });
    if (blob.type !== type) throw new Error(`the browser cannot encode ${type}`);
    return new Uint8Array(await blob.arrayBuffer());
}

/** Returns the milliseconds of one call. @param {() => unknown} work */
async function time(work) {
    const started = performance.now();
    await work();
    return performance.now() - started;
}

/** @type {Map<string, Uint8Array<ArrayBuffer>>} */
const files = new Map();
Reflect.set(window, "bench", {
    /** Encodes a file, and returns its size in bytes. @param {{ width: number, type: string }} options */
    make: async ({ width, type }) => {
        const encoded = await encode(width, type);
        files.set(`${type} ${width}`, encoded);
        return encoded.length;
    },
    /** @param {string} name */
    marquee: (name) => time(() => classifier.pixels(files.get(name))),
    /** @param {string} name */
    browser: (name) => time(() => decode(/** @type {Uint8Array<ArrayBuffer>} */ (files.get(name)), classifier.manifest.input)),
});
document.title = "ready";
