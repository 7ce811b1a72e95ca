/**
 * The package's errors. Each has a `code` that programs can compare, `details` for a message of one's own, and a
 * message in English.
 */

/** Returns a number of bytes in megabytes. @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** What to do where a bundler or a host left the package's files behind. */
const ASSETS = "serve the package's folder and pass its address as the option `assets`";

/**
 * The message of each code. A code that is not listed here comes from the wasm packages, with its message.
 *
 * @satisfies {Record<string, (details: any) => string>}
 */
const MESSAGES = {
    // Loading.
    "no-simd": () => "this browser is too old: it has no WebAssembly SIMD",
    "download-failed": (/** @type {{ path: string, reason: string }} */ { path, reason }) =>
        `${path} cannot be downloaded: ${reason}. Check the address, the network, and that the server permits this origin (CORS)`,
    "http-status": (/** @type {{ path: string, status: number, text: string }} */ { path, status, text }) =>
        `${path} cannot be loaded: the server responded ${status} ${text}`.trimEnd(),
    "not-found": (/** @type {{ path: string, reason: string }} */ { path, reason }) => `${path} is not there (${reason}): ${ASSETS}`,
    "html-instead": (/** @type {{ path: string }} */ { path }) => `${path} is an HTML page: the address is wrong, or the server answers every address with a page`,
    "wrong-version": (/** @type {{ path: string }} */ { path }) => `${path} belongs to another version of the package; reload the page`,
    "bad-manifest": (/** @type {{ path: string, reason: string }} */ { path, reason }) => `${path} is not a model's manifest: ${reason}`,
    "bad-address": (/** @type {{ address: string }} */ { address }) => `${JSON.stringify(address)} is not an address`,
    "package-building": (/** @type {{ name: string }} */ { name }) => `the ${name} package is still being built; reload the page in a few minutes`,
    "package-not-built": (/** @type {{ name: string, reason: string }} */ { name, reason }) => `the ${name} package could not be built: ${reason}`,

    // Workers.
    "worker-failed": (/** @type {{ reason: string }} */ { reason }) =>
        `the worker cannot be started: ${reason || `its script is missing or the content security policy (worker-src) forbids it; if it is missing, ${ASSETS}`}`,
    "model-failed": (/** @type {{ reason: string }} */ { reason }) => `the model could not be loaded (${reason})`,
    crashed: (/** @type {{ reason: string }} */ { reason }) => `the classifier crashed and was restarted (${reason})`,
    closed: () => "this instance is closed; load another one",
    "fine-tuner-failed": (/** @type {{ reason: string }} */ { reason }) => `the fine-tuner failed: ${reason}`,

    // Inputs.
    "file-too-large": (/** @type {{ bytes: number, limit: number }} */ { bytes, limit }) => `the file has ${megabytes(bytes)}; the limit is ${megabytes(limit)}`,
    "unreadable-file": (/** @type {{ reason: string }} */ { reason }) => `the file cannot be read: ${reason}`,
    "unsupported-input": (/** @type {{ what: string }} */ { what }) =>
        `${what} is not a poster: pass a File, Blob, ArrayBuffer, Uint8Array, address, image, video, canvas, ImageBitmap or ImageData`,
    "image-not-loaded": (/** @type {{ what: string }} */ { what }) => `the ${what} has not loaded: wait for its load event, or for an address that exists`,
    "no-pixels": (/** @type {{ what: string }} */ { what }) => `the ${what} is empty or closed: its width or height is 0`,
    "tainted-image": (/** @type {{ what: string }} */ { what }) =>
        `the ${what} shows an image of another site that does not permit reading it: the server must send CORS headers, and the element needs crossorigin="anonymous"`,
    "unknown-genre": (/** @type {{ genre: string, genres: string[] }} */ { genre, genres }) => `the model has no genre ${JSON.stringify(genre)}; it has ${genres.join(", ")}`,

    // The GPU.
    "no-webgpu": () => "this browser has no WebGPU",
    "no-gpu": () => "this browser offers no GPU",
    "gpu-unused": (/** @type {{ reason: MarqueeError }} */ { reason }) => `WebGPU is not used: ${reason.message}`,
    "cpu-faster": (/** @type {{ cpu: number, gpu: number }} */ { cpu, gpu }) => `CPU: ${cpu.toFixed(0)} ms a poster, WebGPU: ${gpu.toFixed(0)} ms`,
    "gpu-wrong": (/** @type {{ difference: number }} */ { difference }) => `the GPU computes wrong results (a probability is off by ${difference.toFixed(3)})`,
    "gpu-failed": (/** @type {{ reason: MarqueeError }} */ { reason }) => `WebGPU failed: ${reason.message}; it is tried again in a minute`,
    "gpu-lost": (/** @type {{ reason: string }} */ { reason }) => `the GPU was lost (${reason || "no reason given"})`,
    "gpu-error": (/** @type {{ reason: string }} */ { reason }) => `the GPU reported an error (${reason})`,
    "gpu-crashed": (/** @type {{ reason: string }} */ { reason }) => `the GPU code crashed (${reason})`,
    timeout: (/** @type {{ seconds: number }} */ { seconds }) => `no response within ${seconds} seconds`,

    // The element.
    "two-versions": (/** @type {{ ours: string, theirs: string }} */ { ours, theirs }) =>
        `<marquee-poster> is already defined by version ${theirs} of @marquee/web; this is ${ours}. Use one version of the element on a page`,
};

/** @typedef {keyof typeof MESSAGES} Code */

export class MarqueeError extends Error {
    /**
     * @param {string} code
     * @param {Record<string, any>} [details]
     * @param {string} [message]  needed only for a code that is not listed
     */
    constructor(code, details = {}, message = "") {
        const known = Object.hasOwn(MESSAGES, code) ? MESSAGES[/** @type {Code} */ (code)] : undefined;
        super(message || known?.(/** @type {never} */ (details)));
        this.name = "MarqueeError";
        this.code = code;
        this.details = details;
    }
}

/**
 * Creates an error of a listed code.
 *
 * @template {Code} C
 * @param {C} code
 * @param {Parameters<typeof MESSAGES[C]>[0]} [details]
 */
export function failure(code, details) {
    return new MarqueeError(code, details);
}

/**
 * Returns the first line of a caught value's message. GPU errors append their causes and a backtrace, which help nobody
 * outside this package.
 *
 * @param {unknown} error
 */
export function firstLine(error) {
    const text = error instanceof Error ? error.message : String(error);
    return text.split("\n", 1)[0] ?? text;
}

/**
 * An error as it passes between worker and page.
 *
 * @typedef {{ code: string, details: Record<string, any>, message: string, isTypeError: boolean }} PlainError
 */

/**
 * Returns a caught value as a plain object. Errors of the wasm packages have a name such as "DamagedImage", which becomes
 * the code "damaged-image".
 *
 * @param {unknown} error
 * @returns {PlainError}
 */
export function toPlain(error) {
    const isTypeError = error instanceof TypeError;
    if (error instanceof MarqueeError) return { code: error.code, details: error.details, message: error.message, isTypeError };
    const name = error instanceof Error ? error.name : "Error";
    const code = name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-").toLowerCase();
    return { code, details: {}, message: firstLine(error), isTypeError };
}

/** @param {PlainError} plain @returns {Error} */
export function fromPlain({ code, details, message, isTypeError }) {
    return isTypeError ? new TypeError(message) : new MarqueeError(code, details, message);
}

/**
 * Returns the result of `work`, or rejects with the signal's reason as soon as it aborts: an AbortError, unless the caller
 * gave another. `work` itself goes on unless `onAbort` stops it.
 *
 * @template T
 * @param {Promise<T>} work
 * @param {AbortSignal | undefined} signal
 * @param {() => void} [onAbort]
 * @returns {Promise<T>}
 */
export function abortable(work, signal, onAbort = () => {}) {
    if (!signal) return work;
    return new Promise((resolve, reject) => {
        const abort = () => {
            onAbort();
            reject(signal.reason);
        };
        work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
    });
}
