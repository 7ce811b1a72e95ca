/**
 * `@marquee/web`: predicts a film's genres from its poster, in the browser or in Node.js, on the user's own machine.
 *
 * @packageDocumentation
 */

import type {
    DeviceName,
    Evaluation,
    FineTuneOptions,
    FineTuneProgress,
    FineTuneReport,
    GridAxis,
    LabelledPrediction,
    Labels,
    Manifest,
    Metric,
    Prediction,
} from "../pkg/teach/marquee.js";

export type {
    Comparison,
    DeviceName,
    Evaluation,
    FineTuneOptions,
    FineTuneProgress,
    FineTuneReport,
    GridAxis,
    LabelledPrediction,
    Labels,
    Manifest,
    Metric,
    Prediction,
} from "../pkg/teach/marquee.js";

/** The version of this package. */
export const version: string;

/**
 * Loads the model and starts a worker. Without options: the built-in model, on the faster device.
 *
 * @throws MarqueeError  if a file cannot be loaded, if the worker cannot start, or if the browser is too old
 * @throws TypeError  for an unknown or wrong option
 * @throws the signal's reason, an AbortError, if it aborts; nothing stays behind
 */
export function load(options?: LoadOptions): Promise<Marquee>;

/** Prepares to train a model further without a classifier; see `Marquee.fineTuner`. */
export function fineTuner(options?: FineTunerOptions & Pick<LoadOptions, "assets">): Promise<FineTuner>;

/** A bundle: one `.safetensors` file as such, or the address of one, of a `model.json`, or of its folder (with a slash). */
export type ModelSource = Blob | ArrayBuffer | Uint8Array | URL | string;

/**
 * A poster. Image files (JPEG, PNG, WebP, GIF) go through Marquee's own decoder, also those at addresses and in images.
 * Addresses of other sites need their permission (CORS). Videos give the frame on show.
 */
export type PosterInput =
    | Blob
    | ArrayBuffer
    | Uint8Array
    | URL
    | string
    | HTMLImageElement
    | HTMLVideoElement
    | HTMLCanvasElement
    | OffscreenCanvas
    | ImageBitmap
    | ImageData;

export interface LoadOptions {
    /** "auto" (the default) uses WebGPU if it is correct and faster; "webgpu" even if it is slower. Both fall back to the CPU. */
    device?: "auto" | DeviceName;
    /** Most workers on the CPU; "auto" (the default) is the number of cores, at most 8, less where memory is short. */
    workers?: "auto" | number;
    /** Defaults to the model in the package. */
    model?: ModelSource | null;
    /** Called while files are loaded. */
    onProgress?: (progress: LoadProgress) => void;
    /** Called when the device that classifies changes, with the reason if it is not the wanted one. */
    onDevice?: (device: DeviceName, reason: MarqueeError | null) => void;
    /** Ends the loading. */
    signal?: AbortSignal;
    /** Address of a folder with a copy of this package, where a bundler does not carry its files along. */
    assets?: string | URL;
}

/** Progress of loading. A file of unknown size counts from its first byte on. */
export interface LoadProgress {
    /** Bytes. */
    loaded: number;
    /** Bytes. */
    total: number;
    filesLoaded: number;
    filesTotal: number;
}

export interface ClassifyOptions {
    /** Number of genres, the most probable; all by default. */
    top?: number;
    /** Whether to show where the evidence for each genre is, or for which genres. */
    heatmaps?: boolean | string[];
    /** Height of a small JPEG to make of an image file, in pixels; none by default. */
    thumbnail?: number;
    signal?: AbortSignal;
}

export interface ClassifyAllOptions extends ClassifyOptions {}

export interface Classification {
    /** The most probable first. */
    genres: Prediction[];
    device: DeviceName;
    /** Time that decoding and classifying took. */
    milliseconds: number;
    /** Who decoded the image: "browser" for AVIF, HEIC and JPEG XL files, and for what is not a file. */
    decoder: "marquee" | "browser";
    /** Present if they were asked for and the model has them. */
    heatmaps: Heatmaps | null;
    /** Present if it was asked for and the browser can decode the file. */
    thumbnail: Blob | null;
}

/** What the places of a poster add to the genres' log-odds. Places are in a grid, rows from the top. */
export interface Heatmaps {
    /** Rows and columns of each heatmap: `y.count` and `x.count`. */
    shape: [number, number];
    x: GridAxis;
    y: GridAxis;
    genres: Heatmap[];
}

export interface Heatmap {
    genre: string;
    /** The genre's log-odds without any evidence from the poster. */
    bias: number;
    /** What each place adds to the log-odds, row by row: above 0 speaks for the genre, below 0 against it. */
    values: Float32Array;
}

/** One result of a batch: a classification, or the error of that poster. */
export type BatchResult =
    | ({ index: number; error: undefined } & Classification)
    | { index: number; error: Error; genres: undefined };

export interface Marquee {
    /** Facts about the model: its genres with their thresholds, its quality, its training. */
    readonly manifest: Manifest;
    /** The device that classifies one poster now. */
    readonly device: DeviceName;
    /** Classifies one poster. It overtakes a batch. */
    classify(input: PosterInput, options?: ClassifyOptions): Promise<Classification>;
    /**
     * Classifies many posters with all workers, in order of completion. A poster that fails has an `error`; the others go
     * on. Leaving the loop, or the signal, ends the batch.
     */
    classifyAll(
        inputs: Iterable<PosterInput> | AsyncIterable<PosterInput>,
        options?: ClassifyAllOptions,
    ): AsyncGenerator<BatchResult, void, void>;
    /** Prepares to train the model further on a few posters, in a worker of its own. */
    fineTuner(options?: FineTunerOptions): Promise<FineTuner>;
    /** Computes the metrics of some predictions, beside those of the baselines. */
    evaluate(predictions: LabelledPrediction[]): Promise<Evaluation>;
    /** Reads true genres from a CSV with a column Id and one 0/1 column per genre. */
    readLabels(csv: string): Promise<Labels>;
    /** Checks that a file is a bundle that this version reads. */
    inspect(file: Blob): Promise<Manifest>;
    /** Ends all workers, the GPU's included. Work under way rejects with the code "closed". */
    close(): void;
}

export interface FineTunerOptions extends Omit<FineTuneOptions, "device"> {
    /** Defaults to "cpu": training only the head is faster there. */
    device?: DeviceName;
    /** Model to start from; defaults to that of the instance, or to the one in the package. */
    model?: ModelSource | null;
    /** Called while files are loaded. */
    onProgress?: (progress: LoadProgress) => void;
    /** Ends the loading. */
    signal?: AbortSignal;
}

export interface LabelledInput {
    input: PosterInput;
    /** Whether the poster has a genre. Genres without a label are not learnt from it. */
    labels: Record<string, boolean>;
}

export interface FineTuner {
    /** The model's genres, new ones last. */
    readonly genres: readonly string[];
    readonly device: DeviceName;
    /** Adds posters to learn from, before the first step. Returns for each `null`, or why it was refused. */
    add(posters: LabelledInput[], options?: { signal?: AbortSignal }): Promise<(Error | null)[]>;
    /**
     * Takes the remaining steps. After `pause`, or an abort, another call goes on from there.
     *
     * @returns the last progress; its step is less than its steps after `pause`
     */
    train(options?: { onProgress?: (progress: FineTuneProgress) => void; signal?: AbortSignal }): Promise<FineTuneProgress>;
    /** Ends `train` after its current steps. */
    pause(): void;
    /** Evaluates the model on held-out posters; `null` if there are none. */
    evaluate(): Promise<FineTuneReport | null>;
    rename(from: string, to: string): Promise<void>;
    /** Returns the model as the bytes of one file, for the option `model` of `load`. */
    export(): Promise<Uint8Array<ArrayBuffer>>;
    /** Ends the worker. */
    close(): void;
}

/** Every error of this package that is not a TypeError or the reason of a signal. `code` says which; see docs/embedding.md. */
export class MarqueeError extends Error {
    readonly code: string;
    /** What the message is made of, for messages in other languages. */
    readonly details: Record<string, any>;
    constructor(code: string, details?: Record<string, any>, message?: string);
}

/**
 * Paints a genre's heatmap on a canvas: orange where the poster is evidence for the genre, blue where it is evidence
 * against it.
 *
 * @param full  contribution that is painted opaque, in log-odds; see `strongest`
 */
export function paint(canvas: HTMLCanvasElement, heatmap: Heatmap, axes: { x: GridAxis; y: GridAxis }, full: number): void;

/** Returns the largest absolute contribution in some heatmaps. Heatmaps that are compared share one scale. */
export function strongest(heatmaps: Heatmap[]): number;
