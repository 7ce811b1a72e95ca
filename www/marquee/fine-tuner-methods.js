/**
 * What a fine-tuner's worker does.
 *
 * @import { Handlers } from "./serve.js"
 * @import { FineTuner } from "../pkg/teach/marquee.js"
 */

import { toPlain } from "./errors.js";
import { bytesOf } from "./source.js";

/**
 * @param {FineTuner} tuner
 * @returns {Handlers}
 */
export function fineTunerMethods(tuner) {
    return {
        add: async ({ sources, labels }) => {
            /** @type {import("./errors.js").PlainError[]} */
            const errors = [];
            for (const [index, source] of sources.entries()) {
                const bytes = await bytesOf(source).catch((/** @type {unknown} */ error) => toPlain(error));
                if (!(bytes instanceof Uint8Array)) {
                    errors[index] = bytes;
                    continue;
                }
                const [error] = await tuner.add([{ bytes, labels: labels[index] ?? {} }]);
                if (error) errors[index] = toPlain(error);
            }
            return Array.from(sources, (_, index) => errors[index] ?? null);
        },
        train: (_, control) =>
            tuner.train((progress) => {
                control.onProgress(progress);
                return !control.isPaused;
            }),
        report: async () => (await tuner.evaluate()) ?? null,
        rename: ({ from, to }) => {
            tuner.rename(from, to);
            return tuner.genres;
        },
        export: () => tuner.export(),
    };
}
