/** Downloads with their progress in bytes. Everything is relative to the page: no server but a static one. */

/** @param {string} path  relative to the page's folder */
async function get(path) {
    const response = await fetch(new URL(`../${path}`, import.meta.url));
    if (!response.ok) {
        throw new Error(`${path} cannot be loaded: the server says ${response.status} ${response.statusText}`);
    }
    return response;
}

/** @param {string} path */
export async function text(path) {
    return (await get(path)).text();
}

/** @param {string} path */
export async function json(path) {
    return (await get(path)).json();
}

/**
 * @param {string} path
 * @param {(more: number) => void} [heard]  bytes that have come since the last call
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytes(path, heard = () => {}) {
    const response = await get(path);
    if (!response.body) return new Uint8Array(await response.arrayBuffer());
    const counted = response.body.pipeThrough(
        new TransformStream({
            transform(chunk, controller) {
                heard(chunk.byteLength);
                controller.enqueue(chunk);
            },
        }),
    );
    return new Uint8Array(await new Response(counted).arrayBuffer());
}
