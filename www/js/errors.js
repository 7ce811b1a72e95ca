/**
 * Text of caught values, which may be anything. The package's errors are in the visitor's language where the table of
 * strings has their codes.
 */

import { MarqueeError } from "../marquee/errors.js";
import { strings } from "./strings/index.js";

/** What the messages of the wasm packages say beyond their code. Only the first line of a message arrives. */
const TOO_LARGE = /^the image is (\d+) x (\d+) pixels, above the limit of (\d+) megapixels/;
const SIDE_TOO_LONG = /^the image is (\d+) x (\d+) pixels, and a side may have at most (\d+)/;
const DAMAGED = /^the (\S+) image is damaged or incomplete \((.*?)(?:\); try another copy of it)?$/;

/**
 * Errors of the wasm packages have no details but their message.
 *
 * @type {Record<string, (details: any, message: string) => string>}
 */
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
    "no-simd": () => strings.errors.noSimd,
    "unreadable-file": ({ reason }) => strings.errors.unreadable(reason),
    "model-failed": ({ reason }) => strings.worker.modelNotLoaded(reason),
    "empty-image": () => strings.errors.emptyImage,
    "unknown-image-format": () => strings.errors.unknownImage,
    "image-too-large": (_, message) => {
        for (const [pattern, text] of /** @type {const} */ ([
            [TOO_LARGE, strings.errors.imageTooLarge],
            [SIDE_TOO_LONG, strings.errors.sideTooLong],
        ])) {
            const [, width, height, limit] = pattern.exec(message) ?? [];
            if (limit) return text(Number(width), Number(height), Number(limit));
        }
        return message;
    },
    "damaged-image": (_, message) => {
        const [, format, reason] = DAMAGED.exec(message) ?? [];
        return format ? strings.errors.damagedImage(format, reason ?? "") : message;
    },
    manifest: (_, message) => strings.errors.model(message),
    "format-version": (_, message) => strings.errors.model(message),
    "weights-length": (_, message) => strings.errors.model(message),
    "weights-hash": (_, message) => strings.errors.model(message),
    "weights-shape": (_, message) => strings.errors.model(message),
    "not-a-bundle": (_, message) => strings.errors.model(message),
    labels: (_, message) => strings.errors.table(message),
    "not-teachable": (_, message) => strings.errors.training(message),
    timeout: ({ seconds }) => strings.worker.timeout(seconds),
};

/** @param {unknown} error @returns {string} */
export function message(error) {
    if (error instanceof MarqueeError && Object.hasOwn(BY_CODE, error.code)) return BY_CODE[error.code]?.(error.details, error.message) ?? error.message;
    return error instanceof Error ? error.message : String(error);
}
