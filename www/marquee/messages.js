/**
 * The messages between the page and the package's workers. Types only; nothing here runs.
 *
 * @import { DeviceName, Evaluation, FineTuneOptions, FineTuneProgress, FineTuneReport, Heatmaps, Labels, LabelledPrediction, Manifest, Prediction } from "./api.js"
 * @import { PlainError } from "./errors.js"
 * @import { ModelParts } from "./model.js"
 */

/**
 * A poster as a worker receives it.
 *
 * @typedef {{ kind: "file", file: Blob | Uint8Array }} FileSource  an image file
 * @typedef {{ kind: "pixels", data: Uint8ClampedArray, width: number, height: number }} PixelSource  red, green, blue and
 *     alpha of each pixel, rows from the top
 * @typedef {FileSource | PixelSource} Source
 *
 * @typedef {object} ClassifyArgument
 * @property {Source[]} sources
 * @property {boolean | string[]} heatmaps  of all genres, of none, or of those listed
 * @property {number} thumbnails  height of a small image to make of each poster, in pixels; 0 makes none
 *
 * @typedef {object} Classified
 * @property {Prediction[]} predictions  of all genres, the most probable first
 * @property {Heatmaps | null} heatmaps
 * @property {"marquee" | "browser"} decoder
 * @property {number} milliseconds
 * @property {Blob | null} thumbnail
 *
 * @typedef {Classified | { error: PlainError }} Outcome
 *
 * @typedef {{ data: Uint8ClampedArray, width: number, height: number, runs: number }} MeasureArgument
 * @typedef {{ predictions: Prediction[], milliseconds: number }} Measured  the fastest run
 */

/**
 * What a worker does, by name: argument and result.
 *
 * @typedef {object} Methods
 * @property {{ argument: ClassifyArgument, result: Outcome[] }} classify
 * @property {{ argument: MeasureArgument, result: Measured }} measure  classifies pixels repeatedly
 * @property {{ argument: string, result: Labels }} readLabels
 * @property {{ argument: LabelledPrediction[], result: Evaluation }} evaluate
 * @property {{ argument: Blob, result: Manifest }} inspect
 * @property {{ argument: { sources: Source[], labels: Record<string, boolean>[] }, result: (PlainError | null)[] }} add
 * @property {{ argument: null, result: FineTuneProgress }} train
 * @property {{ argument: null, result: FineTuneReport | null }} report
 * @property {{ argument: { from: string, to: string }, result: string[] }} rename  returns the genres
 * @property {{ argument: null, result: Uint8Array }} export
 *
 * @typedef {object} Start  comes first
 * @property {"start"} type
 * @property {DeviceName} device
 * @property {WebAssembly.Module} wasm
 * @property {ModelParts} model
 * @property {FineTuneOptions | null} fineTune  null for a classifier
 *
 * @typedef {{ [K in keyof Methods]: { type: "request", id: number, method: K, argument: Methods[K]["argument"], urgent: boolean } }[keyof Methods]} Request
 * @typedef {Start | Request | { type: "cancel", id: number } | { type: "pause" }} ToWorker
 *
 * @typedef {{ type: "ready", manifest: Manifest | null, genres: string[] }} Ready
 * @typedef {{ type: "failed", error: PlainError }} Failed  the worker could not start
 * @typedef {{ type: "response", id: number, result: Methods[keyof Methods]["result"] }} Response
 * @typedef {{ type: "error", id: number, error: PlainError }} RequestFailure
 * @typedef {{ type: "progress", id: number, progress: FineTuneProgress }} TrainingProgress
 * @typedef {{ type: "crashed", message: string, running: number }} Crashed  WebAssembly trapped; the worker is unusable.
 *     `running` is the id of the request that was handled, or 0
 * @typedef {{ type: "broken", error: PlainError }} Broken  the GPU failed; work that waits for it would wait forever
 * @typedef {Ready | Failed | Response | RequestFailure | TrainingProgress | Crashed | Broken} FromWorker
 */

export {};
