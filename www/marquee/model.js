/**
 * Finds and downloads a model: the built-in one, or the caller's as a bundle in one file or as a folder.
 *
 * @import { Assets } from "./assets.js"
 * @import { Fetch, Progress } from "./download.js"
 * @import { ModelSource } from "./api.js"
 */

import { MANIFEST, absolute, compressedPath } from "./assets.js";
import { bytes } from "./download.js";
import { failure, firstLine } from "./errors.js";

/**
 * A model as workers receive it. A Blob is not copied when it is posted.
 *
 * @typedef {object} ModelParts
 * @property {string | undefined} manifest  undefined if `data` is a bundle in one file
 * @property {Blob | Uint8Array<ArrayBuffer>} data
 */

/**
 * @typedef {object} Request
 * @property {Assets} assets
 * @property {Fetch} fetch
 * @property {AbortSignal | undefined} signal
 * @property {Progress} progress
 */

/** Tests `model` options. */
export const modelRule = {
    is: (/** @type {any} */ value) =>
        value === null || [Blob, ArrayBuffer, Uint8Array, URL].some((kind) => value instanceof kind) || typeof value === "string",
    what: "a File, Blob, ArrayBuffer, Uint8Array or address of a bundle",
};

/**
 * @param {ModelSource | null | undefined} model  null or undefined is the built-in one
 * @param {Request} request
 * @returns {Promise<ModelParts>}
 */
export async function downloadModel(model, request) {
    if (model === undefined || model === null) return builtIn(request);
    if (model instanceof Blob) return { manifest: undefined, data: model };
    // A copy: the caller may reuse the memory.
    if (model instanceof ArrayBuffer || model instanceof Uint8Array) return { manifest: undefined, data: new Blob([/** @type {BlobPart} */ (model)]) };
    const url = absolute(model);
    if (/(\/|\.json)$/.test(url.pathname)) {
        const manifest = url.pathname.endsWith("/") ? new URL("model.json", url) : url;
        const path = manifest.href;
        const find = (/** @type {string} */ file) => ({ url: new URL(file, manifest), path: path.slice(0, path.lastIndexOf("/") + 1) + file });
        return folder(manifest, find, request);
    }
    request.progress.expect(1, 0);
    return { manifest: undefined, data: new Blob([await bytes(request.fetch, url, { ...request, path: url.href })]) };
}

/** @param {Request} request */
function builtIn(request) {
    const { assets } = request;
    const manifest = assets.url(MANIFEST);
    const find = (/** @type {string} */ file) => {
        const path = compressedPath(file);
        const compressed = assets.expected(path);
        // Browsers that have SIMD and cannot decompress are from before 2023.
        if (compressed && globalThis.DecompressionStream) return { url: assets.url(path), path, compressed: compressed.bytes };
        // A newer model than the build's is beside its manifest.
        return { url: new URL(file, manifest), path: `model/${file}` };
    };
    return folder(manifest, find, request, MANIFEST, true);
}

/**
 * Where a model's weights are.
 *
 * @typedef {object} Weights
 * @property {URL} url
 * @property {string} path  for messages
 * @property {number} [compressed]  the length of the file, if it is compressed
 */

/**
 * @param {URL} manifestUrl
 * @param {(file: string) => Weights} find
 * @param {Request} request
 * @param {string} path  of the manifest, for messages
 * @param {boolean} isOurs  whether it is a file of this package
 * @returns {Promise<ModelParts>}
 */
async function folder(manifestUrl, find, { fetch, signal, progress }, path = manifestUrl.href, isOurs = false) {
    // The manifest is small and not counted.
    const announce = progress.expectLater();
    const manifest = new TextDecoder().decode(await bytes(fetch, manifestUrl, { path, isOurs, signal }));
    const { file, length } = weightsOf(manifest, path);
    const weights = find(file);
    announce(weights.compressed ?? length);
    const data = new Blob([await bytes(fetch, weights.url, { path: weights.path, isOurs, signal, progress })]);
    return { manifest, data: weights.compressed === undefined ? data : await decompressed(data, weights.path) };
}

/** @param {Blob} data  in the zlib format @param {string} path */
async function decompressed(data, path) {
    try {
        return await new Response(data.stream().pipeThrough(new DecompressionStream("deflate"))).blob();
    } catch {
        // It is not what the build wrote.
        throw failure("wrong-version", { path });
    }
}

/**
 * @param {string} manifest
 * @param {string} path
 * @returns {{ file: string, length: number }}
 */
function weightsOf(manifest, path) {
    if (/^\s*</.test(manifest)) throw failure("html-instead", { path });
    try {
        const { file, bytes: length } = JSON.parse(manifest).weights;
        if (typeof file !== "string" || /[/\\]/.test(file)) throw new Error("it names no weights");
        return { file, length: Number(length) || 0 };
    } catch (error) {
        throw failure("bad-manifest", { path, reason: firstLine(error) });
    }
}
