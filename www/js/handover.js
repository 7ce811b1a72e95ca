/**
 * Posters that come from elsewhere: shared from a phone's gallery (the service worker keeps them, see sw.js), or handed over
 * by the page that opened or embeds this one. Nothing is sent back.
 */

import { strings } from "./strings/index.js";

/** Where the service worker keeps what was shared. sw.js has the same name. */
const CACHE = "shared-posters";

/** Longest name that another page may give a poster, in characters. */
const LONGEST_NAME = 100;

/** Returns the posters that were shared with the page, once. @returns {Promise<File[]>} */
export async function takeShared() {
    const cache = await caches.open(CACHE);
    const requests = await cache.keys();
    const files = await Promise.all(requests.map(async (request) => {
        const response = await cache.match(request);
        const name = decodeURIComponent(new URL(request.url).pathname.split("/").at(-1) ?? "");
        return response ? new File([await response.blob()], name, { type: response.headers.get("content-type") ?? "" }) : undefined;
    }));
    await caches.delete(CACHE);
    return files.filter((file) => file !== undefined);
}

/**
 * Takes posters from the page that opened or embeds this one, and reports to it that it may send them. See
 * docs/embedding.md for the messages.
 *
 * @param {(file: File, origin: string) => void} onPoster
 */
export function listenToOpener(onPoster) {
    const others = [window.opener, window.parent].filter((other) => other && other !== window);
    window.addEventListener("message", ({ data, source, origin }) => {
        if (!others.includes(source) || data?.type !== "marquee:classify" || !(data.poster instanceof Blob)) return;
        const { poster } = data;
        const given = typeof data.name === "string" && data.name ? data.name : poster instanceof File ? poster.name : strings.handover.name;
        onPoster(new File([poster], given.slice(0, LONGEST_NAME), { type: poster.type }), origin);
    });
    // It holds nothing, so any page may read it.
    for (const other of others) other.postMessage({ type: "marquee:ready" }, "*");
}
