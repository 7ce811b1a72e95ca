/**
 * The package's own files: where they are, their sizes and hashes. The build lists them in `../pkg/assets.js`, in the
 * form `new URL("…", import.meta.url)`, which Vite and webpack follow and rewrite.
 *
 * @typedef {"cpu" | "cpu-relaxed" | "teach" | "gpu"} PackageName  "cpu-relaxed" is "cpu" with relaxed SIMD
 */

import { files, pending } from "../pkg/assets.js";
import { failure } from "./errors.js";

export { version } from "../pkg/assets.js";

export const MANIFEST = "model/model.json";

/** @param {PackageName} name */
export function wasmPath(name) {
    return `pkg/${name}/marquee_bg.wasm`;
}

const COMPRESSED = ".zlib";

/** Returns the path of the compressed copy of the model's weights. @param {string} file  of the weights */
export function compressedPath(file) {
    return `pkg/${file}${COMPRESSED}`;
}

/** Returns why a wasm package is missing, if it is: the page may be served while it is still being built. @param {PackageName} name */
export function whyMissing(name) {
    const reason = pending[name];
    if (!reason) return undefined;
    return reason === "building" ? failure("package-building", { name }) : failure("package-not-built", { name, reason });
}

/** Returns an address, relative to the document if it is not absolute. @param {string | URL} address */
export function absolute(address) {
    const base = globalThis.document?.baseURI ?? globalThis.location?.href;
    if (!URL.canParse(String(address), base)) throw failure("bad-address", { address: String(address) });
    return new URL(String(address), base);
}

export class Assets {
    #folder;

    /** @param {string | URL | undefined} folder  where a copy of the package is served; undefined is where this code is */
    constructor(folder) {
        const url = folder === undefined ? undefined : absolute(folder);
        if (url && !url.pathname.endsWith("/")) url.pathname += "/";
        this.#folder = url;
    }

    /** Whether the files are in a folder that the caller named. */
    get isElsewhere() {
        return this.#folder !== undefined;
    }

    /** Returns a file's address. @param {string} path  relative to the package's folder */
    url(path) {
        if (this.#folder) return new URL(path, this.#folder);
        const url = files[path]?.url;
        if (!url) throw failure("not-found", { path, reason: "the build did not list it" });
        return url();
    }

    /** Returns the length and hash of a file, if the build listed it. @param {string} path */
    expected(path) {
        return files[path];
    }

    /** Returns the compressed copy of the model's weights, if the build made one. */
    compressedWeights() {
        const found = Object.entries(files).find(([path]) => path.endsWith(COMPRESSED));
        return found && { path: found[0], bytes: found[1].bytes };
    }
}
