/** Downloads files, counts their bytes, and checks that they are what was asked for. */

import { failure, firstLine } from "./errors.js";

/** @typedef {(url: URL, options: { signal?: AbortSignal, cache?: RequestCache }) => Promise<Response>} Fetch */

/** Counts bytes and files, and reports them. */
export class Progress {
    #onProgress;
    #state = { loaded: 0, total: 0, filesLoaded: 0, filesTotal: 0 };
    /** Files whose size is still to come. While there are some, nothing is reported: the total would grow. */
    #unannounced = 0;

    /** @param {((progress: import("./api.js").LoadProgress) => void) | undefined} onProgress */
    constructor(onProgress) {
        this.#onProgress = onProgress;
    }

    /** Announces files. @param {number} count @param {number} bytes  all together; 0 where unknown */
    expect(count, bytes) {
        this.#state.filesTotal += count;
        this.#state.total += bytes;
    }

    /** Returns a function that announces a file, for when its size is known. @returns {(bytes: number) => void} */
    expectLater() {
        this.#unannounced++;
        return (bytes) => {
            this.#unannounced--;
            this.expect(1, bytes);
        };
    }

    /** @param {number} bytes */
    add(bytes) {
        this.#state.loaded += bytes;
        this.#report();
    }

    endFile() {
        this.#state.filesLoaded++;
        this.#report();
    }

    #report() {
        if (this.#unannounced > 0) return;
        // A file of unknown size counts as the bytes that have arrived.
        const total = Math.max(this.#state.total, this.#state.loaded);
        this.#onProgress?.({ ...this.#state, total });
    }
}

/**
 * @typedef {object} What
 * @property {string} path  for messages
 * @property {boolean} [isOurs]  whether it is a file of this package
 * @property {AbortSignal | undefined} signal
 * @property {Progress} [progress]
 * @property {RequestCache} [cache]
 * @property {boolean} [isCompressed]  in the zlib format: it is decompressed while it arrives
 */

/**
 * @param {Fetch} fetch
 * @param {URL} url
 * @param {What} what
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytes(fetch, url, { path, isOurs = false, signal, progress, cache = "default", isCompressed = false }) {
    const response = await get(fetch, url, { path, isOurs, signal, cache });
    const arriving = new Arriving(response, (count) => progress?.add(count));
    /** @type {Uint8Array<ArrayBuffer>} */
    let data;
    try {
        const contents = isCompressed ? arriving.stream.pipeThrough(new DecompressionStream("deflate")) : arriving.stream;
        data = new Uint8Array(await new Response(contents).arrayBuffer());
    } catch (error) {
        signal?.throwIfAborted();
        // What arrived and cannot be decompressed is not what the build wrote.
        if (isCompressed && !arriving.hasFailed) throw failure("wrong-version", { path });
        throw failure("download-failed", { path, reason: firstLine(error) });
    }
    progress?.endFile();
    return data;
}

/**
 * Downloads a file of this version of the package. If its hash is another one, downloads it once more without the
 * browser's cache.
 *
 * @param {Fetch} fetch
 * @param {URL} url
 * @param {What & { expected: { sha256: string } | undefined }} what
 */
export async function checkedBytes(fetch, url, what) {
    const first = await bytes(fetch, url, what);
    if (await hasHash(first, what.expected?.sha256)) return first;
    const second = await bytes(fetch, url, { path: what.path, signal: what.signal, cache: "reload" });
    if (await hasHash(second, what.expected?.sha256)) return second;
    throw failure("wrong-version", { path: what.path });
}

/**
 * @param {Fetch} fetch
 * @param {URL} url
 * @param {What} what
 */
async function get(fetch, url, { path, isOurs, signal, cache }) {
    /** @type {Response} */
    let response;
    try {
        response = await fetch(url, { ...(signal && { signal }), ...(cache && { cache }) });
    } catch (error) {
        signal?.throwIfAborted();
        throw failure("download-failed", { path, reason: firstLine(error) });
    }
    // Bundlers that do not carry the package's files along leave their addresses pointing at nothing, or at a page.
    if (isOurs && response.status === 404) throw failure("not-found", { path, reason: "the server responded 404" });
    if (!response.ok) throw failure("http-status", { path, status: response.status, text: response.statusText });
    if (response.headers.get("content-type")?.startsWith("text/html")) {
        throw isOurs ? failure("not-found", { path, reason: "the server sent a page" }) : failure("html-instead", { path });
    }
    return response;
}

/** The body of a response, whose bytes are counted as they arrive. */
class Arriving {
    /** Whether the body could not be read to its end. */
    hasFailed = false;
    /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */
    stream;

    /**
     * @param {Response} response
     * @param {(bytes: number) => void} onBytes
     */
    constructor(response, onBytes) {
        // An empty response has no body.
        const reader = (response.body ?? new Blob([]).stream()).getReader();
        this.stream = new ReadableStream({
            pull: async (controller) => {
                try {
                    const { done, value } = await reader.read();
                    if (value) {
                        onBytes(value.byteLength);
                        controller.enqueue(value);
                    }
                    if (done) controller.close();
                } catch (error) {
                    this.hasFailed = true;
                    throw error;
                }
            },
            cancel: (reason) => reader.cancel(reason),
        });
    }
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {string | undefined} expected  in hexadecimal; undefined accepts all
 */
async function hasHash(data, expected) {
    // Browsers offer crypto.subtle only to pages that were loaded over HTTPS or from this machine.
    if (!expected || !globalThis.crypto?.subtle) return true;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === expected;
}
