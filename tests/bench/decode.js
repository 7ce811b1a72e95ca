/** A poster from its bytes to the network's pixels: by Marquee, and by the browser. */

import { decode } from "./engines/input.js";
import { load } from "./engines/marquee.js";

const { classifier } = await load("cpu");
const picture = await createImageBitmap(await (await fetch("../www/samples/lighthouse.jpg")).blob());

/** The sample as a file of some size and type. @param {number} width @param {string} type */
async function file(width, type) {
    const canvas = new OffscreenCanvas(width, width * 1.5);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type, quality: 0.9 });
    if (blob.type !== type) throw new Error(`the browser writes no ${type}`);
    return new Uint8Array(await blob.arrayBuffer());
}

/** Milliseconds of one call. @param {() => unknown} work */
async function time(work) {
    const started = performance.now();
    await work();
    return performance.now() - started;
}

/** @type {Map<string, Uint8Array<ArrayBuffer>>} */
const files = new Map();
Reflect.set(window, "bench", {
    /** @param {{ width: number, type: string }} asked */
    make: async ({ width, type }) => {
        const made = await file(width, type);
        files.set(`${type} ${width}`, made);
        return made.length;
    },
    /** @param {string} name */
    marquee: (name) => time(() => classifier.pixels(files.get(name))),
    /** @param {string} name */
    browser: (name) => time(() => decode(/** @type {Uint8Array<ArrayBuffer>} */ (files.get(name)), classifier.manifest.input)),
});
document.title = "ready";
