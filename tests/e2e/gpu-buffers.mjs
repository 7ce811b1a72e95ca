/** Counts the GPU memory of a page. */

/**
 * Makes `held()` in the page return the bytes of the GPU buffers that were created and not destroyed.
 *
 * @param {import("playwright-core").Page} page
 */
export function countBuffers(page) {
    return page.addInitScript(() => {
        /** @type {Map<GPUBuffer, number>} */
        const held = new Map();
        Reflect.set(window, "held", () => [...held.values()].reduce((sum, size) => sum + size, 0));
        if (!globalThis.GPUDevice) return;
        const { createBuffer } = GPUDevice.prototype;
        const { destroy } = GPUBuffer.prototype;
        GPUDevice.prototype.createBuffer = function (/** @type {GPUBufferDescriptor} */ descriptor) {
            const buffer = createBuffer.call(this, descriptor);
            held.set(buffer, descriptor.size);
            return buffer;
        };
        GPUBuffer.prototype.destroy = function () {
            held.delete(this);
            return destroy.call(this);
        };
    });
}
