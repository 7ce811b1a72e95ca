/**
 * The service worker: keeps one whole version of the page for visits without a network. Every file is checked
 * against the list that the build wrote, so code of one version never meets weights of another. A new version is
 * downloaded whole, waits until the visitor accepts it, and only then replaces the old one.
 *
 * @import { Site } from "./js/messages.js"
 */

/**
 * The parts of the service worker's scope that are used here. TypeScript's types of it exclude those of the page.
 *
 * @typedef {object} ServiceWorkerScope
 * @property {Site} MARQUEE_SITE
 * @property {(bytes: BufferSource) => Promise<string>} sha256Hex
 * @property {{ scope: string }} registration
 * @property {{ claim: () => Promise<void> }} clients
 * @property {(...paths: string[]) => void} importScripts
 * @property {() => Promise<void>} skipWaiting
 * @property {(type: string, listener: (event: WorkerEvent) => void) => void} addEventListener
 *
 * @typedef {object} WorkerEvent
 * @property {Request} request
 * @property {string} data
 * @property {(work: Promise<void>) => void} waitUntil
 * @property {(response: Response | Promise<Response>) => void} respondWith
 */

const worker = /** @type {ServiceWorkerScope} */ (/** @type {unknown} */ (self));

// The list has the hash of every file, so it changes with every version, and browsers notice.
worker.importScripts("pkg/files.js", "js/sha256.js");

const { version, files, pending } = worker.MARQUEE_SITE;
const CACHE_PREFIX = "marquee-";
const CACHE = CACHE_PREFIX + version;
const LIST = "pkg/files.js";
const scope = new URL(worker.registration.scope);

/** The GPU package is several megabytes and of use only where WebGPU works. It is kept on request. */
const isGpuFile = (/** @type {string} */ path) => path.startsWith("pkg/gpu/");

worker.addEventListener("install", (event) => {
    event.waitUntil(install());
});

async function install() {
    // The page would stay without its missing packages until the visitor accepts the next version.
    if (pending) throw new Error("this version of the page is incomplete");
    try {
        await Promise.all(Object.keys(files).filter((path) => !isGpuFile(path)).map(load));
    } catch (error) {
        await caches.delete(CACHE); // part of a version is of no use
        throw error;
    }
}

worker.addEventListener("activate", (event) => {
    event.waitUntil(activate());
});

async function activate() {
    const old = (await caches.keys()).filter((name) => name.startsWith(CACHE_PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await worker.clients.claim();
}

worker.addEventListener("message", ({ data }) => {
    if (data === "take over") worker.skipWaiting();
    if (data === "keep gpu") Promise.all(Object.keys(files).filter(isGpuFile).map(load)).catch(() => {});
});

worker.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
    const path = url.pathname.slice(scope.pathname.length) || "index.html";
    if (path === LIST) {
        const list = `self.MARQUEE_SITE = ${JSON.stringify(worker.MARQUEE_SITE)};`;
        event.respondWith(new Response(list, { headers: { "content-type": "text/javascript" } }));
    } else if (path in files) {
        event.respondWith(load(path).catch(() => Response.error()));
    }
});

/**
 * Returns a file of this version: from the cache, or from the network, checked and then cached.
 *
 * @param {string} path  relative to the page's folder
 * @returns {Promise<Response>}
 */
async function load(path) {
    const cache = await caches.open(CACHE);
    const cached = await cache.match(path);
    if (cached) return cached;
    // The browser's own cache may hold the file of another version; then the server is asked again.
    for (const mode of /** @type {const} */ (["default", "reload"])) {
        const response = await fetch(new URL(path, scope), { cache: mode });
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        const body = await response.clone().arrayBuffer();
        if ((await worker.sha256Hex(body)) !== files[path]?.sha256) continue;
        // A full disk must not stop the page. Only the GPU package may go uncached: an incomplete version is no use.
        await cache.put(path, response.clone()).catch((error) => {
            if (!isGpuFile(path)) throw error;
        });
        return response;
    }
    throw new Error(`${path} is not of version ${version}`);
}
