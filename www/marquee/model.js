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

/**
 * Downloads the built-in model. The build knows which weights the manifest names, so both are requested together.
 *
 * @param {Request} request
 * @returns {Promise<ModelParts>}
 */
async function builtIn(request) {
    const { assets, fetch, signal, progress } = request;
    const manifestUrl = assets.url(MANIFEST);
    const beside = (/** @type {string} */ file) => ({ url: new URL(file, manifestUrl), path: `model/${file}` });
    const listed = assets.compressedWeights();
    // Browsers that have SIMD and cannot decompress are from before 2023.
    if (!listed || !globalThis.DecompressionStream) return folder(manifestUrl, beside, request, MANIFEST, true);

    const ended = new AbortController();
    const until = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
    progress.expect(1, listed.bytes);
    const weights = bytes(fetch, assets.url(listed.path), { path: listed.path, isOurs: true, signal: until, progress, isCompressed: true });
    weights.catch(() => {}); // the manifest's error comes first
    try {
        const manifest = await text(fetch, manifestUrl, { path: MANIFEST, isOurs: true, signal });
        const { file, length } = weightsOf(manifest, MANIFEST);
        if (compressedPath(file) === listed.path) {
            return { manifest, data: new Blob([await weights]) };
        }
        // A newer model than the build's is beside its manifest.
        ended.abort();
        progress.expect(-1, -listed.bytes);
        progress.expect(1, length);
        const { url, path } = beside(file);
        return { manifest, data: new Blob([await bytes(fetch, url, { path, isOurs: true, signal, progress })]) };
    } catch (error) {
        ended.abort();
        throw error;
    }
}

/**
 * @param {URL} manifestUrl
 * @param {(file: string) => { url: URL, path: string }} find  returns where the weights are, and their path for messages
 * @param {Request} request
 * @param {string} path  of the manifest, for messages
 * @param {boolean} isOurs  whether it is a file of this package
 * @returns {Promise<ModelParts>}
 */
async function folder(manifestUrl, find, { fetch, signal, progress }, path = manifestUrl.href, isOurs = false) {
    // The manifest is small and not counted.
    const announce = progress.expectLater();
    const manifest = await text(fetch, manifestUrl, { path, isOurs, signal });
    const { file, length } = weightsOf(manifest, path);
    announce(length);
    const weights = find(file);
    return { manifest, data: new Blob([await bytes(fetch, weights.url, { path: weights.path, isOurs, signal, progress })]) };
}

/** @param {Fetch} fetch @param {URL} url @param {import("./download.js").What} what */
async function text(fetch, url, what) {
    return new TextDecoder().decode(await bytes(fetch, url, what));
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
