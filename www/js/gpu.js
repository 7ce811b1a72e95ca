/**
 * Failures of the GPU. Burn requests the device itself and reports neither its loss nor the errors that the device
 * raises on its own, out of memory above all; work that waits for it would wait forever.
 */

import { firstLine } from "./errors.js";
import { strings } from "./strings/index.js";

/**
 * Reports failures of every GPU device that is requested from now on.
 *
 * @param {{ onLost: (error: Error) => void, onError?: (error: Error) => void }} listener
 */
export function watchGpu({ onLost, onError }) {
    if (!globalThis.GPUAdapter) return;
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (/** @type {GPUDeviceDescriptor | undefined} */ descriptor) {
        const device = await requestDevice.call(this, descriptor);
        device.lost.then(({ message }) => onLost(new Error(strings.worker.gpuLost(message))));
        if (onError) device.addEventListener("uncapturederror", ({ error }) => onError(new Error(strings.worker.gpuError(firstLine(error.message)))));
        return device;
    };
}
