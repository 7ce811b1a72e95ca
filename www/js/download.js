/**
 * Downloads with their progress in bytes, checked against the list of this version's files. Everything is
 * relative to the page: no server but a static one.
 *
 * @import { Site } from "./messages.js"
 */

import "../pkg/files.js";
import "./sha256.js";

/** Written by the build. @type {Site} */
const site = Reflect.get(self, "MARQUEE_SITE");

/** @type {(bytes: BufferSource) => Promise<string>} */
const sha256Hex = Reflect.get(self, "sha256Hex");

/**
 * How long a file will be: servers that compress do not say.
 *
 * @param {string} path  relative to the page's folder
 */
export function size(path) {
    return site.files[path]?.bytes ?? 0;
}

/**
 * @param {string} path
 * @param {RequestCache} [cache]
 */
async function get(path, cache = "default") {
    const response = await fetch(new URL(`../${path}`, import.meta.url), { cache });
    if (!response.ok) {
        throw new Error(`${path} cannot be loaded: the server says ${response.status} ${response.statusText}`);
    }
    return response;
}

/** @param {string} path */
export async function text(path) {
    return (await get(path)).text();
}

/**
 * A file's bytes. One that is not of this version is asked for once more, past the browser's cache.
 *
 * @param {string} path
 * @param {(more: number) => void} [heard]  bytes that have come since the last call
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytes(path, heard = () => {}) {
    const first = await read(await get(path), heard);
    if (await isRight(path, first)) return first;
    const again = await read(await get(path, "reload"), () => {});
    if (await isRight(path, again)) return again;
    throw new Error(`${path} is not of this version of the page; reload the page`);
}

/**
 * @param {Response} response
 * @param {(more: number) => void} heard
 */
async function read(response, heard) {
    if (!response.body) return new Uint8Array(await response.arrayBuffer());
    const counted = response.body.pipeThrough(
        new TransformStream({
            transform(chunk, controller) {
                heard(chunk.byteLength);
                controller.enqueue(chunk);
            },
        }),
    );
    return new Uint8Array(await new Response(counted).arrayBuffer());
}

/**
 * Weights are checked against their manifest when they are loaded; only what the list names is checked here.
 *
 * @param {string} path
 * @param {Uint8Array<ArrayBuffer>} data
 */
async function isRight(path, data) {
    const wanted = path.startsWith("pkg/") ? site.files[path]?.sha256 : undefined;
    // Browsers keep the hash function from pages that came without encryption.
    if (!wanted || !globalThis.crypto?.subtle) return true;
    return (await sha256Hex(data)) === wanted;
}
