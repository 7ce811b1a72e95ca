/**
 * Failures of the GPU. Burn requests the device itself and reports neither its loss nor the errors that the device
 * raises on its own, out of memory above all; work that waits for it would wait forever.
 */

import { failure, firstLine } from "./errors.js";

/**
 * Reports failures of every GPU device that is requested from now on.
 *
 * @param {(error: Error) => void} onFailure
 */
export function watchGpu(onFailure) {
    if (!globalThis.GPUAdapter) return;
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (/** @type {GPUDeviceDescriptor | undefined} */ descriptor) {
        const device = await requestDevice.call(this, descriptor);
        device.lost.then(({ message }) => onFailure(failure("gpu-lost", { reason: message })));
        device.addEventListener("uncapturederror", ({ error }) => onFailure(failure("gpu-error", { reason: firstLine(error.message) })));
        return device;
    };
}
