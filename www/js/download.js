/**
 * Downloads the page's own files, counts their bytes, and checks them against the list of this version's files. All
 * addresses are relative to the page, so any static host will do.
 *
 * @import { Site } from "./messages.js"
 */

import "../pkg/files.js"; // written by the build
import "./sha256.js";
import { strings } from "./strings/index.js";

/** @type {Site} */
const site = Reflect.get(self, "MARQUEE_SITE");

/** @type {(bytes: BufferSource) => Promise<string>} */
const sha256Hex = Reflect.get(self, "sha256Hex");

/**
 * Returns a file's size in bytes. Servers that compress do not send it.
 *
 * @param {string} path  relative to the page's folder
 */
export function size(path) {
    return site.files[path]?.bytes ?? 0;
}

/**
 * Returns why a wasm package is missing, or "" if it is there. `cargo xtask serve` serves the page while it still
 * builds the packages that the first result does not need.
 *
 * @param {string} name
 */
export function whyMissing(name) {
    const reason = site.pending?.[name];
    if (!reason) return "";
    return reason === "building" ? strings.download.building(name) : strings.download.notBuilt(name, reason);
}

/**
 * @param {string} path
 * @param {RequestCache} [cache]
 */
async function get(path, cache = "default") {
    const response = await fetch(new URL(`../${path}`, import.meta.url), { cache });
    if (!response.ok) throw new Error(strings.download.failed(path, response.status, response.statusText));
    return response;
}

/** @param {string} path */
export async function text(path) {
    return (await get(path)).text();
}

/**
 * Downloads a file. If it is not of this version, downloads it once more without the browser's cache.
 *
 * @param {string} path
 * @param {(bytes: number) => void} [onBytes]  receives the bytes downloaded since the last call
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytes(path, onBytes = () => {}) {
    const first = await read(await get(path), onBytes);
    if (await isThisVersion(path, first)) return first;
    const second = await read(await get(path, "reload"), () => {});
    if (await isThisVersion(path, second)) return second;
    throw new Error(strings.download.wrongVersion(path));
}

/**
 * @param {Response} response
 * @param {(bytes: number) => void} onBytes
 */
async function read(response, onBytes) {
    if (!response.body) return new Uint8Array(await response.arrayBuffer());
    const counted = response.body.pipeThrough(
        new TransformStream({
            transform(chunk, controller) {
                onBytes(chunk.byteLength);
                controller.enqueue(chunk);
            },
        }),
    );
    return new Uint8Array(await new Response(counted).arrayBuffer());
}

/**
 * Compares a package's file with the list. The model is not checked here: it is checked against its manifest when it is
 * opened.
 *
 * @param {string} path
 * @param {Uint8Array<ArrayBuffer>} data
 */
async function isThisVersion(path, data) {
    const expected = path.startsWith("pkg/") ? site.files[path]?.sha256 : undefined;
    // Browsers offer crypto.subtle only to pages that were loaded over HTTPS or from this machine.
    if (!expected || !globalThis.crypto?.subtle) return true;
    return (await sha256Hex(data)) === expected;
}
