/**
 * Text of caught values, which may be anything. The package's errors are in the visitor's language where the table of
 * strings has their codes.
 */

import { MarqueeError } from "../marquee/errors.js";
import { strings } from "./strings/index.js";

/** @type {Record<string, (details: any) => string>} */
const BY_CODE = {
    "http-status": ({ path, status, text }) => strings.download.failed(path, status, text),
    "not-found": ({ path, reason }) => strings.download.unreachable(path, reason),
    "download-failed": ({ path, reason }) => strings.download.unreachable(path, reason),
    "wrong-version": ({ path }) => strings.download.wrongVersion(path),
    "package-building": ({ name }) => strings.download.building(name),
    "package-not-built": ({ name, reason }) => strings.download.notBuilt(name, reason),
    "worker-failed": ({ reason }) => reason || strings.worker.notLoaded,
    crashed: ({ reason }) => strings.worker.crashed(reason),
    "file-too-large": ({ bytes, limit }) => strings.worker.fileTooLarge(bytes, limit),
    "no-webgpu": () => strings.worker.noWebGpu,
    "no-gpu": () => strings.worker.noGpu,
    "gpu-unused": ({ reason }) => strings.worker.gpuUnused(message(reason)),
    "cpu-faster": ({ cpu, gpu }) => strings.worker.cpuFaster(cpu, gpu),
    "gpu-wrong": ({ difference }) => strings.worker.gpuWrong(difference),
    "gpu-failed": ({ reason }) => strings.worker.gpuFailed(message(reason)),
    "gpu-lost": ({ reason }) => strings.worker.gpuLost(reason),
    "gpu-error": ({ reason }) => strings.worker.gpuError(reason),
    "gpu-crashed": ({ reason }) => strings.worker.gpuCrashed(reason),
    timeout: ({ seconds }) => strings.worker.timeout(seconds),
};

/** @param {unknown} error @returns {string} */
export function message(error) {
    if (error instanceof MarqueeError && Object.hasOwn(BY_CODE, error.code)) return BY_CODE[error.code]?.(error.details) ?? error.message;
    return error instanceof Error ? error.message : String(error);
}
