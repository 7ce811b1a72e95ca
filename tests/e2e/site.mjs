/** The page on a server of its own: a new address, so nothing that an earlier test stored, which can go offline. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { setTimeout } from "node:timers/promises";

/** @type {Record<string, string>} */
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };

/** Bytes of a response that a slow network delivers at a time. */
const PIECE = 1 << 18;

/**
 * Serves a folder.
 *
 * @param {string} folder
 * @param {{ onRequest?: (path: string) => void, latency?: number }} [options]  `latency` delays every response, and every
 *     piece of it, by as many milliseconds
 */
export async function serveFolder(folder, { onRequest = () => {}, latency = 0 } = {}) {
    const server = createServer(async (request, response) => {
        const path = new URL(request.url ?? "/", "http://host").pathname.slice(1) || "index.html";
        const file = `${folder}/${decodeURIComponent(path)}`;
        onRequest(path);
        if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
        const content = readFileSync(file);
        const type = TYPES[extname(file)] ?? "application/octet-stream";
        response.writeHead(200, { "content-type": type, "content-length": content.length, "cache-control": "no-cache" });
        for (let start = 0; latency && start < content.length; start += PIECE) {
            await setTimeout(latency);
            response.write(content.subarray(start, start + PIECE));
        }
        response.end(latency ? undefined : content);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const bound = server.address();
    return {
        address: typeof bound === "object" ? `http://127.0.0.1:${bound?.port}/` : "",
        /** Ends the server: for its visitors, there is no network. */
        close: async () => {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}
