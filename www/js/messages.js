/**
 * The types that the page's parts share. Types only; nothing here runs.
 */

/**
 * Types of the package.
 *
 * @typedef {import("../marquee/api.js").DeviceName} DeviceName
 * @typedef {import("../marquee/api.js").Manifest} Manifest
 * @typedef {import("../marquee/api.js").Prediction} Prediction
 * @typedef {import("../marquee/api.js").Heatmap} Heatmap
 * @typedef {import("../marquee/api.js").Heatmaps} Heatmaps
 * @typedef {import("../marquee/api.js").Metric} Metric
 * @typedef {import("../marquee/api.js").Labels} Labels
 * @typedef {import("../marquee/api.js").LabelledPrediction} LabelledPrediction
 * @typedef {import("../marquee/api.js").Evaluation} Evaluation
 * @typedef {import("../marquee/api.js").FineTuneReport} FineTuneReport
 * @typedef {import("../marquee/api.js").FineTuneOptions} FineTuneOptions
 * @typedef {import("../marquee/api.js").FineTuneProgress} FineTuneProgress
 */

/**
 * Types of the page.
 *
 * @typedef {Manifest["genres"][number]} Genre
 * @typedef {"auto" | DeviceName} DeviceChoice  the device that the visitor wants
 * @typedef {{ bytes: number, sha256: string }} SiteFile
 * @typedef {object} Site  every file of this version of the page
 * @property {string} version
 * @property {Record<string, SiteFile>} files
 * @property {Record<string, string>} [pending]  wasm packages that are missing: "building", or why their build failed
 *
 * @typedef {object} Explained  the predictions for one poster, with heatmaps
 * @property {DeviceName} device
 * @property {number} milliseconds
 * @property {Prediction[]} predictions
 * @property {Heatmaps | null} heatmaps  null if the model has none
 */

/**
 * A fine-tuning, and what happens in it. Its last event is "finished" or "failed".
 *
 * @typedef {object} FineTuneJob
 * @property {Blob | null} base  the bundle to start from; null is the built-in model
 * @property {DeviceName} device
 * @property {FineTuneOptions} options
 * @property {[string, string][]} renamed  genres of the base and their new names
 * @property {{ name: string, file: Blob, labels: Record<string, boolean> }[]} posters  labels by the base's genre names
 *
 * @typedef {{ type: "prepared", posters: number, of: number }} Prepared  posters whose features are computed
 * @typedef {{ type: "rejected", name: string, message: string }} RejectedPoster
 * @typedef {{ type: "progress", progress: FineTuneProgress }} TrainingProgress
 * @typedef {{ type: "checkpoint", step: number, steps: number, file: Uint8Array }} Checkpoint
 * @typedef {{ type: "evaluated", report: FineTuneReport | null }} Evaluated  held-out metrics so far
 * @typedef {{ type: "finished", file: Uint8Array, report: FineTuneReport | null }} Finished
 * @typedef {{ type: "failed", message: string }} Failed
 * @typedef {Prepared | RejectedPoster | TrainingProgress | Checkpoint | Evaluated | Finished | Failed} FineTuneEvent
 */

export {};
