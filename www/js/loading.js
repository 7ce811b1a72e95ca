/**
 * Loads the wasm packages and models, for both workers.
 *
 * @typedef {"cpu" | "teach" | "gpu"} PackageName
 */

import * as download from "./download.js";

/** How often each package was instantiated. @type {Map<PackageName, number>} */
const copies = new Map();

/** @param {PackageName} name */
function wasmPath(name) {
    return `pkg/${name}/marquee_bg.wasm`;
}

/** Returns the bytes to download for a package. @param {PackageName} name */
export function packageSize(name) {
    return download.size(wasmPath(name));
}

/**
 * @param {PackageName} name
 * @param {(bytes: number) => void} [onBytes]  receives the bytes downloaded since the last call
 */
export async function downloadPackage(name, onBytes) {
    const reason = download.whyMissing(name);
    if (reason) throw new Error(reason);
    return download.bytes(wasmPath(name), onBytes);
}

/**
 * Instantiates a package. Each call makes a new copy, because a package that has failed keeps its dead GPU device.
 *
 * @template {PackageName} K
 * @param {K} name
 * @param {Uint8Array<ArrayBuffer>} wasm
 * @returns {Promise<K extends "cpu" ? typeof import("../pkg/cpu/marquee.js") : typeof import("../pkg/teach/marquee.js")>}
 */
export async function openPackage(name, wasm) {
    const copy = copies.get(name) ?? 0;
    copies.set(name, copy + 1);
    const marquee = await import(`../pkg/${name}/marquee.js${copy ? `?copy=${copy}` : ""}`);
    await marquee.default({ module_or_path: wasm });
    return marquee;
}

/**
 * Finds a model: its size is known before it is downloaded.
 *
 * @param {Blob | null} file  a bundle in one file; null is the built-in model
 * @returns {Promise<{ size: number, download: (onBytes?: (bytes: number) => void) => Promise<Model> }>}
 *     bytes to download, and a function that does
 */
export async function findModel(file) {
    if (file) return { size: 0, download: async () => new Model(undefined, new Uint8Array(await file.arrayBuffer())) };
    const manifest = await download.text("model/model.json");
    const { weights } = JSON.parse(manifest);
    return { size: weights.bytes, download: async (onBytes) => new Model(manifest, await download.bytes(`model/${weights.file}`, onBytes)) };
}

/** The bytes of a model. */
export class Model {
    #manifest;
    #bytes;

    /**
     * @param {string | undefined} manifest  undefined if `bytes` is a bundle in one file
     * @param {Uint8Array<ArrayBuffer>} bytes
     */
    constructor(manifest, bytes) {
        this.#manifest = manifest;
        this.#bytes = bytes;
    }

    /**
     * Constructs a package's `Classifier` or `FineTuner` from the model.
     *
     * @template T, O
     * @param {{ open: (file: Uint8Array, options?: O) => Promise<T>, load: (manifest: string, weights: Uint8Array, options?: O) => Promise<T> }} kind
     * @param {O} [options]
     */
    open(kind, options) {
        return this.#manifest === undefined ? kind.open(this.#bytes, options) : kind.load(this.#manifest, this.#bytes, options);
    }
}
