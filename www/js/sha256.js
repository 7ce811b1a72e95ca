/**
 * Computes SHA-256 hashes. A classic script, because the service worker loads it with importScripts and not every
 * browser runs service workers as modules; modules import it and take the function from the global scope.
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
