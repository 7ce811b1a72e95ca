/**
 * `Marquee`: one loaded model, with the workers that classify.
 *
 * @import { BatchResult, Classification, ClassifyOptions, FineTunerOptions, LabelledPrediction, Marquee as Api, PosterInput } from "./api.js"
 * @import { Classified, Outcome, Source, Start } from "./messages.js"
 * @import { Package } from "./load.js"
 */

import { GROUP } from "./devices.js";
import { abortable, failure, fromPlain } from "./errors.js";
import { sourceOf } from "./inputs.js";
import { check, positive, signalRule } from "./options.js";

/** Requests of a batch under way per worker: it never waits for the page. */
const REQUESTS_PER_WORKER = 2;

const heatmapsRule = {
    is: (/** @type {any} */ value) => typeof value === "boolean" || (Array.isArray(value) && value.every((genre) => typeof genre === "string")),
    what: "true, false or a list of genres",
};

const CLASSIFY_OPTIONS = { top: positive, heatmaps: heatmapsRule, thumbnail: positive, signal: signalRule };

/** @implements {Api} */
export class Marquee {
    #package;
    #devices;
    #isClosed = false;
    /** Ends when the instance is closed. */
    #ended = new AbortController();
    /** @type {Set<{ end: () => void }>} */
    #fineTuners = new Set();

    /**
     * @param {Package} from  what it was loaded from
     * @param {import("./devices.js").Devices} devices
     * @param {import("./api.js").Manifest} manifest
     */
    constructor(from, devices, manifest) {
        this.#package = from;
        this.#devices = devices;
        this.manifest = manifest;
    }

    get device() {
        return this.#devices.current;
    }

    /**
     * @param {PosterInput} input
     * @param {ClassifyOptions} [options]
     * @returns {Promise<Classification>}
     */
    async classify(input, options) {
        this.#check("classify", options);
        const { signal } = options ?? {};
        signal?.throwIfAborted();
        const source = await abortable(this.#sourceOf(input, signal), signal);
        const { device, value } = await this.#devices.run("classify", argument([source], options), { posters: 1, urgent: true, signal });
        const [outcome] = value;
        if (!outcome || "error" in outcome) throw fromPlain(/** @type {Extract<Outcome, { error: any }>} */ (outcome).error);
        return classification(outcome, device, options);
    }

    /**
     * @param {Iterable<PosterInput> | AsyncIterable<PosterInput>} inputs
     * @param {ClassifyOptions} [options]
     */
    classifyAll(inputs, options) {
        this.#check("classifyAll", options);
        if (typeof inputs !== "object" || inputs === null || !(Symbol.iterator in inputs || Symbol.asyncIterator in inputs)) {
            throw new TypeError("classifyAll: pass an array, or something else to iterate over");
        }
        return this.#classifyAll(inputs, options);
    }

    /**
     * @param {Iterable<PosterInput> | AsyncIterable<PosterInput>} inputs
     * @param {ClassifyOptions} [options]
     */
    async *#classifyAll(inputs, options) {
        const batch = await import("./batch.js");
        yield* batch.classifyAll(inputs, {
            classify: (group, signal) => this.#classifyGroup(group, options, signal),
            plan: () => this.#plan(),
            signal: options?.signal,
        });
    }

    /** @param {FineTunerOptions} [options] */
    async fineTuner(options) {
        this.#requireOpen();
        const { signal } = options ?? {};
        const ended = AbortSignal.any([this.#ended.signal, ...(signal ? [signal] : [])]);
        const tuner = await this.#package.fineTuner({ ...options, signal: ended }, () => this.#fineTuners.delete(tuner));
        this.#fineTuners.add(tuner);
        return tuner;
    }

    /** @param {LabelledPrediction[]} predictions */
    async evaluate(predictions) {
        this.#requireOpen();
        return (await this.#devices.run("evaluate", predictions, { posters: 0, device: "cpu", urgent: true })).value;
    }

    /** @param {string} csv */
    async readLabels(csv) {
        this.#requireOpen();
        return (await this.#devices.run("readLabels", csv, { posters: 0, device: "cpu", urgent: true })).value;
    }

    /** @param {Blob} file */
    async inspect(file) {
        this.#requireOpen();
        return (await this.#devices.run("inspect", file, { posters: 0, device: "cpu", urgent: true })).value;
    }

    close() {
        this.#requireOpen();
        this.#isClosed = true;
        this.#ended.abort(failure("closed"));
        this.#devices.close();
        for (const tuner of this.#fineTuners) tuner.end();
    }

    #requireOpen() {
        if (this.#isClosed) throw failure("closed");
    }

    /**
     * @param {string} name
     * @param {ClassifyOptions | undefined} options
     */
    #check(name, options) {
        this.#requireOpen();
        check(name, options, CLASSIFY_OPTIONS);
        const genres = this.manifest.genres.map((genre) => genre.name);
        for (const genre of Array.isArray(options?.heatmaps) ? options.heatmaps : []) {
            if (!genres.includes(genre)) throw failure("unknown-genre", { genre, genres });
        }
    }

    /**
     * @param {PosterInput} input
     * @param {AbortSignal | undefined} signal
     */
    #sourceOf(input, signal) {
        return sourceOf(input, { fetch: this.#package.fetch, signal });
    }

    /** Returns how a batch keeps the device busy. */
    #plan() {
        const device = this.#devices.forBatches;
        const workers = device === "cpu" ? this.#package.workers : 1;
        return { requests: workers * REQUESTS_PER_WORKER, group: GROUP[device] };
    }

    /**
     * @param {PosterInput[]} inputs
     * @param {ClassifyOptions | undefined} options
     * @param {AbortSignal} signal
     * @returns {Promise<Omit<BatchResult, "index">[]>}
     */
    async #classifyGroup(inputs, options, signal) {
        const sources = await Promise.all(inputs.map((input) => this.#sourceOf(input, signal).catch((error) => ({ error: /** @type {Error} */ (error) }))));
        signal.throwIfAborted();
        const found = /** @type {Source[]} */ (sources.filter((source) => !("error" in source)));
        const request = { posters: found.length, device: this.#devices.forBatches, signal };
        try {
            const { device, value } = found.length ? await this.#devices.run("classify", argument(found, options), request) : { device: this.device, value: [] };
            let next = 0;
            return sources.map((source) => {
                if ("error" in source) return { error: source.error, genres: undefined };
                const outcome = /** @type {Outcome} */ (value[next++]);
                if ("error" in outcome) return { error: fromPlain(outcome.error), genres: undefined };
                return { error: undefined, ...classification(outcome, device, options) };
            });
        } catch (error) {
            signal.throwIfAborted();
            if (this.#isClosed || !(error instanceof Error)) throw error;
            return inputs.map(() => ({ error, genres: undefined }));
        }
    }
}

/**
 * @param {Source[]} sources
 * @param {ClassifyOptions | undefined} options
 */
function argument(sources, { heatmaps = false, thumbnail = 0 } = {}) {
    return { sources, heatmaps, thumbnails: thumbnail };
}

/**
 * @param {Classified} outcome
 * @param {import("./api.js").DeviceName} device
 * @param {ClassifyOptions | undefined} options
 * @returns {Classification}
 */
function classification({ predictions, ...outcome }, device, { top = Infinity } = {}) {
    return { genres: predictions.slice(0, top), device, ...outcome };
}
