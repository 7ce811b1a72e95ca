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

/** Where posters that were shared with the page wait for it. handover.js has the same name. */
const SHARED = "shared-posters";

/** Most posters that are taken at a time. */
const MOST_SHARED = 200;

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
        if (await hasGpu(await otherVersions())) await keepGpu();
    } catch (error) {
        await caches.delete(CACHE); // part of a version is of no use
        throw error;
    }
}

worker.addEventListener("activate", (event) => {
    event.waitUntil(activate());
});

async function activate() {
    await Promise.all((await otherVersions()).map((name) => caches.delete(name)));
    await worker.clients.claim();
}

worker.addEventListener("message", (event) => {
    if (event.data === "take over") event.waitUntil(worker.skipWaiting());
    // Without waitUntil, the browser may end the service worker during the download.
    if (event.data === "keep gpu") event.waitUntil(keepGpu());
});

/** Saves the GPU package; the page works without it. */
async function keepGpu() {
    await Promise.all(Object.keys(files).filter(isGpuFile).map(load)).catch(() => {});
}

worker.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method === "POST" && url.pathname === `${scope.pathname}share`) {
        event.respondWith(receive(event.request));
        return;
    }
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
 * Keeps the posters that the system shares with the page, and opens the page. Nothing goes to a server.
 *
 * @param {Request} request  a form with the field "posters", as the manifest says
 */
async function receive(request) {
    const form = await request.formData();
    await caches.delete(SHARED);
    const cache = await caches.open(SHARED);
    const files = form.getAll("posters").filter((file) => file instanceof File).slice(0, MOST_SHARED);
    await Promise.all(files.map((file, index) => {
        // The number keeps two posters of one name apart.
        const address = new URL(`shared/${index}/${encodeURIComponent(file.name || "poster")}`, scope);
        return cache.put(address, new Response(file, { headers: { "content-type": file.type } }));
    }));
    return Response.redirect(new URL("./?open=shared", scope).href, 303);
}

/** Returns the names of the caches of other versions. */
async function otherVersions() {
    return (await caches.keys()).filter((name) => name.startsWith(CACHE_PREFIX) && name !== CACHE);
}

/** Returns whether one of some caches has the GPU package. @param {string[]} names */
async function hasGpu(names) {
    for (const name of names) {
        const paths = (await (await caches.open(name)).keys()).map(({ url }) => url.slice(scope.href.length));
        if (paths.some(isGpuFile)) return true;
    }
    return false;
}

/** Returns a file of this version if another version has the same one. @param {string} path */
async function fromOtherVersion(path) {
    for (const name of await otherVersions()) {
        const response = await (await caches.open(name)).match(path);
        if (response && (await isThisVersion(path, response))) return response;
    }
    return undefined;
}

/** @param {string} path @param {Response} response */
async function isThisVersion(path, response) {
    return (await worker.sha256Hex(await response.clone().arrayBuffer())) === files[path]?.sha256;
}

/**
 * Returns a file of this version: from the cache, from that of another version, or from the network, checked and then
 * cached.
 *
 * @param {string} path  relative to the page's folder
 * @returns {Promise<Response>}
 */
async function load(path) {
    const cache = await caches.open(CACHE);
    const cached = await cache.match(path);
    if (cached) return cached;
    const response = (await fromOtherVersion(path)) ?? (await download(path));
    // A full disk must not stop the page. Only the GPU package may go uncached: an incomplete version is no use.
    await cache.put(path, response.clone()).catch((error) => {
        if (!isGpuFile(path)) throw error;
    });
    return response;
}

/** @param {string} path */
async function download(path) {
    // The browser's own cache may hold the file of another version; then the server is asked again.
    for (const mode of /** @type {const} */ (["default", "reload"])) {
        const response = await fetch(new URL(path, scope), { cache: mode });
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        if (await isThisVersion(path, response)) return response;
    }
    throw new Error(`${path} is not of version ${version}`);
}
