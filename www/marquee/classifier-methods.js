/**
 * What a classifier's worker does.
 *
 * @import { DeviceName, Heatmaps } from "./api.js"
 * @import { ClassifyArgument, Classified, FileSource, MeasureArgument, Measured, Outcome, Source } from "./messages.js"
 * @import { Handlers, Package } from "./serve.js"
 * @import { Classifier } from "../pkg/cpu/marquee.js"
 */

import { toPlain } from "./errors.js";
import { bytesOf, decodeInBrowser, isForTheBrowser, thumbnail } from "./source.js";

/**
 * @param {Package} marquee
 * @param {Classifier} classifier
 * @param {DeviceName} device
 * @returns {Handlers}
 */
export function classifierMethods(marquee, classifier, device) {
    return {
        classify: (argument) => classify(classifier, device, argument),
        measure: (argument) => measure(classifier, argument),
        readLabels: (csv) => marquee.readLabels(csv),
        evaluate: (predictions) => classifier.evaluate(predictions),
        inspect: async (file) => {
            const opened = await marquee.Classifier.open(new Uint8Array(await file.arrayBuffer()), { device: "cpu" });
            const { manifest } = opened;
            opened.free();
            return manifest;
        },
    };
}

/**
 * @param {Classifier} classifier
 * @param {DeviceName} device
 * @param {ClassifyArgument} argument
 * @returns {Promise<Outcome[]>}
 */
async function classify(classifier, device, { sources, heatmaps, thumbnails }) {
    /** @type {Outcome[]} */
    let outcomes;
    if (device === "webgpu" && sources.length > 1 && !heatmaps && sources.every(({ kind }) => kind === "file")) {
        outcomes = await classifyTogether(classifier, /** @type {FileSource[]} */ (sources));
    } else {
        outcomes = [];
        for (const source of sources) outcomes.push(await caught(() => classifyOne(classifier, source, heatmaps)));
    }
    if (!thumbnails) return outcomes;
    return Promise.all(outcomes.map(async (outcome, index) => ("error" in outcome ? outcome : { ...outcome, thumbnail: await thumbnailOf(sources[index], thumbnails) })));
}

/** Classifies image files in one batch, which keeps a GPU busy. @param {Classifier} classifier @param {FileSource[]} sources */
async function classifyTogether(classifier, sources) {
    const started = performance.now();
    const contents = await Promise.all(sources.map((source) => bytesOf(source).catch((error) => ({ error: toPlain(error) }))));
    const readable = contents.filter((content) => content instanceof Uint8Array);
    const results = await classifier.classifyAll(readable);
    const milliseconds = (performance.now() - started) / Math.max(readable.length, 1);
    let next = 0;
    return Promise.all(contents.map((content) => {
        if (!(content instanceof Uint8Array)) return content;
        const result = results[next++];
        if (Array.isArray(result)) return classified({ predictions: result, milliseconds });
        return caught(() => refused(content, result, (pixels) => classifyOne(classifier, pixels, false)));
    }));
}

/**
 * @param {Classifier} classifier
 * @param {Source} source
 * @param {boolean | string[]} heatmaps
 * @returns {Promise<Classified>}
 */
async function classifyOne(classifier, source, heatmaps) {
    const decoder = source.kind === "pixels" ? "browser" : "marquee";
    if (source.kind === "pixels" && !heatmaps) {
        const { data, width, height } = source;
        const started = performance.now();
        const predictions = await classifier.classifyPixels(data, width, height);
        return classified({ predictions, decoder, milliseconds: performance.now() - started });
    }
    const bytes = await bytesOf(source);
    const started = performance.now();
    try {
        const result = heatmaps ? await explain(classifier, bytes, heatmaps) : { predictions: await classifier.classify(bytes) };
        return classified({ ...result, decoder, milliseconds: performance.now() - started });
    } catch (error) {
        return refused(bytes, error, (pixels) => classifyOne(classifier, pixels, heatmaps));
    }
}

/**
 * Explains a poster, or only classifies it if the model has no heatmaps.
 *
 * @param {Classifier} classifier
 * @param {Uint8Array} bytes
 * @param {true | string[]} wanted
 */
async function explain(classifier, bytes, wanted) {
    try {
        const { predictions, heatmaps } = await classifier.explain(bytes);
        const genres = wanted === true ? heatmaps.genres : heatmaps.genres.filter(({ genre }) => wanted.includes(genre));
        const { x, y } = heatmaps;
        /** @type {Heatmaps} */
        const chosen = { shape: [y.count, x.count], x, y, genres: genres.map((map) => ({ ...map, values: Float32Array.from(map.values) })) };
        return { predictions, heatmaps: chosen };
    } catch (error) {
        if (!(error instanceof Error && error.name === "NoHeatmaps")) throw error;
        return { predictions: await classifier.classify(bytes) };
    }
}

/**
 * Handles a file that Marquee refused: the browser may decode its format.
 *
 * @template T
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {unknown} error
 * @param {(pixels: Source) => Promise<T>} classifyPixels
 */
async function refused(bytes, error, classifyPixels) {
    const isUnknown = error instanceof Error && error.name === "UnknownImageFormat";
    const pixels = isUnknown && isForTheBrowser(bytes) ? await decodeInBrowser(bytes) : undefined;
    if (!pixels) throw error;
    return classifyPixels(pixels);
}

/** @param {Partial<Classified> & Pick<Classified, "predictions" | "milliseconds">} result @returns {Classified} */
function classified(result) {
    return { heatmaps: null, decoder: "marquee", thumbnail: null, ...result };
}

/** @param {() => Promise<Classified>} work @returns {Promise<Outcome>} */
async function caught(work) {
    try {
        return await work();
    } catch (error) {
        // Traps and failures of the GPU concern the worker, not the poster.
        if (!(error instanceof Error) || !isOfThePoster(error)) throw error;
        return { error: toPlain(error) };
    }
}

/** Names of errors that a poster causes on any device. */
const POSTER_ERRORS = ["EmptyImage", "UnknownImageFormat", "ImageTooLarge", "DamagedImage", "NoHeatmaps", "MarqueeError"];

/** @param {Error} error */
function isOfThePoster({ name }) {
    return POSTER_ERRORS.includes(name);
}

/**
 * @param {Source | undefined} source
 * @param {number} height
 */
async function thumbnailOf(source, height) {
    if (source?.kind !== "file") return null;
    const { file } = source;
    return thumbnail(file instanceof Blob ? file : new Blob([/** @type {BlobPart} */ (file)]), height);
}

/**
 * Classifies pixels, and measures the fastest of several runs.
 *
 * @param {Classifier} classifier
 * @param {MeasureArgument} argument
 * @returns {Promise<Measured>}
 */
async function measure(classifier, { data, width, height, runs }) {
    const predictions = await classifier.classifyPixels(data, width, height);
    let milliseconds = Infinity;
    for (let run = 0; run < runs; run++) {
        const started = performance.now();
        await classifier.classifyPixels(data, width, height);
        milliseconds = Math.min(milliseconds, performance.now() - started);
    }
    return { predictions, milliseconds };
}
