/** Serves the page and the other engines, compressed like a good host does, and counts the bytes that it sends. */

import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = new Map(Object.entries({
    ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json",
    ".wasm": "application/wasm", ".jpg": "image/jpeg", ".onnx": "application/octet-stream", ".tflite": "application/octet-stream", ".safetensors": "application/octet-stream",
}));

/** Types that are compressed. Most hosts compress no weights; here, all engines profit from it. */
const COMPRESSED = new Set([".html", ".js", ".mjs", ".json", ".wasm", ".safetensors", ".onnx", ".tflite"]);

/**
 * Starts the server.
 *
 * @param {Record<string, string>} folders  by the first part of the path. Below /isolated/ they are served with the
 *     headers that threads need to share memory
 */
export async function serve(folders) {
    /** @type {Map<string, Buffer>} */
    const compressed = new Map();
    let sent = 0;
    const server = createServer((request, response) => {
        let path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
        const isolated = path.startsWith("/isolated/");
        if (isolated) path = path.slice("/isolated".length);
        const [, top = "", ...rest] = path.split("/");
        const file = `${folders[top]}/${rest.join("/")}`;
        if (!folders[top] || !existsSync(file) || !statSync(file).isFile()) {
            response.writeHead(404).end();
            return;
        }
        const extension = extname(file);
        const headers = {
            "content-type": TYPES.get(extension) ?? "application/octet-stream",
            "cache-control": "max-age=3600",
            ...(isolated && { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }),
        };
        if (!COMPRESSED.has(extension)) {
            sent += statSync(file).size;
            response.writeHead(200, { ...headers, "content-length": statSync(file).size });
            createReadStream(file).pipe(response);
            return;
        }
        const body = compressed.get(file) ?? gzipSync(readFileSync(file), { level: 9 });
        compressed.set(file, body);
        sent += body.length;
        response.writeHead(200, { ...headers, "content-encoding": "gzip", "content-length": body.length }).end(body);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    return {
        url: `http://127.0.0.1:${port}`,
        /** Returns the bytes sent since the last call. */
        sent() {
            const bytes = sent;
            sent = 0;
            return bytes;
        },
        close: () => server.close(),
    };
}
