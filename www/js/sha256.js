/**
 * Computes SHA-256 hashes for the service worker. A classic script, loaded with importScripts, because not every browser
 * runs service workers as modules.
 */

Object.assign(self, {
    /**
     * Returns the SHA-256 hash of some bytes, in hexadecimal. Needs HTTPS or localhost: other pages have no
     * `crypto.subtle`.
     *
     * @param {BufferSource} bytes
     */
    async sha256Hex(bytes) {
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    },
});
