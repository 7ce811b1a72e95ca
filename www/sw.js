/**
 * The service worker: keeps this version of the page for visits without a network. Every file is checked
 * against the list that the build wrote, so that code of one version never meets weights of another. A new
 * version is fetched whole, waits until the visitor takes it, and only then replaces the old one.
 */

importScripts("pkg/files.js"); // its bytes change with every file's, which is how browsers notice

const { version, files } = self.MARQUEE_SITE;
const CACHE = `marquee-${version}`;
const LIST = "pkg/files.js";
const scope = new URL(self.registration.scope);

/** The GPU's package is a megabyte or more, and not everyone has a use for it. */
const isLater = (path) => path.startsWith("pkg/gpu/");

self.addEventListener("install", (event) => {
    event.waitUntil(install());
});

async function install() {
    try {
        await Promise.all(Object.keys(files).filter((path) => !isLater(path)).map(kept));
    } catch (error) {
        await caches.delete(CACHE); // half a version is none
        throw error;
    }
}

self.addEventListener("activate", (event) => {
    event.waitUntil(activate());
});

async function activate() {
    const old = (await caches.keys()).filter((name) => name.startsWith("marquee-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
}

self.addEventListener("message", ({ data }) => {
    if (data === "take over") self.skipWaiting();
    if (data === "keep gpu") Promise.all(Object.keys(files).filter(isLater).map(kept)).catch(() => {});
});

self.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
    const path = url.pathname.slice(scope.pathname.length) || "index.html";
    if (path === LIST) {
        const list = `self.MARQUEE_SITE = ${JSON.stringify(self.MARQUEE_SITE)};`;
        event.respondWith(new Response(list, { headers: { "content-type": "text/javascript" } }));
    } else if (path in files) {
        event.respondWith(kept(path).catch(() => Response.error()));
    }
});

/** A file of this version, from the cache or, checked, from the network. */
async function kept(path) {
    const cache = await caches.open(CACHE);
    const found = await cache.match(path);
    if (found) return found;
    for (const from of ["default", "reload"]) {
        const response = await fetch(new URL(path, scope), { cache: from });
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        const body = await response.clone().arrayBuffer();
        if ((await sha256(body)) !== files[path].sha256) continue;
        // A full disk must not keep the page from working.
        await cache.put(path, response.clone()).catch((error) => {
            if (!isLater(path)) throw error;
        });
        return response;
    }
    throw new Error(`${path} is not of version ${version}`);
}

async function sha256(body) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
