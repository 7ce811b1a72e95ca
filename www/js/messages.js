/**
 * The messages between the page and its two workers, and the types in them. Types only; nothing here runs.
 */

/**
 * Types of the wasm packages.
 *
 * @typedef {import("../pkg/cpu/marquee.js").DeviceName} DeviceName
 * @typedef {import("../pkg/cpu/marquee.js").Manifest} Manifest
 * @typedef {import("../pkg/cpu/marquee.js").Prediction} Prediction
 * @typedef {import("../pkg/cpu/marquee.js").Explanation} Explanation
 * @typedef {import("../pkg/cpu/marquee.js").Heatmap} Heatmap
 * @typedef {import("../pkg/cpu/marquee.js").GridAxis} GridAxis
 * @typedef {import("../pkg/cpu/marquee.js").Metric} Metric
 * @typedef {import("../pkg/cpu/marquee.js").Labels} Labels
 * @typedef {import("../pkg/cpu/marquee.js").LabelledPrediction} LabelledPrediction
 * @typedef {import("../pkg/cpu/marquee.js").Evaluation} Evaluation
 * @typedef {import("../pkg/teach/marquee.js").FineTuneReport} FineTuneReport
 * @typedef {import("../pkg/teach/marquee.js").FineTuneOptions} FineTuneOptions
 * @typedef {import("../pkg/teach/marquee.js").FineTuneProgress} FineTuneProgress
 */

/**
 * Types of the page.
 *
 * @typedef {Manifest["genres"][number]} Genre
 * @typedef {"auto" | "cpu" | "webgpu"} DeviceChoice  the device that the visitor wants
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
 * @property {Explanation["heatmaps"] | null} heatmaps  null if the model has none
 *
 * @typedef {object} Classified  the predictions for some posters
 * @property {DeviceName} device
 * @property {({ predictions: Prediction[], thumbnail: Blob | null } | { error: string })[]} results  in the files' order
 */

/**
 * The classifier worker answers requests, each with one response. `Requests` maps a request's type to its argument and
 * its result.
 *
 * @typedef {object} Requests
 * @property {{ argument: File, result: Explained }} explain
 * @property {{ argument: File[], result: Classified }} classify
 * @property {{ argument: string, result: Labels }} readLabels  parses a CSV of genres
 * @property {{ argument: LabelledPrediction[], result: Evaluation }} evaluate
 * @property {{ argument: Blob, result: Manifest }} inspect  checks that a file is a bundle that works here
 *
 * @typedef {{ type: "start", choice: DeviceChoice, model: Blob | null }} Start  comes first; null is the built-in model
 * @typedef {{ [K in keyof Requests]: { type: K, id: number, argument: Requests[K]["argument"] } }[keyof Requests]} Request
 * @typedef {Start | Request} ToClassifier
 *
 * @typedef {{ type: "progress", loaded: number, total: number }} LoadProgress  bytes until the first prediction is possible
 * @typedef {{ type: "ready", manifest: Manifest }} Ready  the CPU can classify
 * @typedef {{ type: "device", device: DeviceName, reason: string }} DeviceChange  the device used from now on, and why
 * @typedef {{ type: "response", id: number, result: Requests[keyof Requests]["result"] }} Response
 * @typedef {{ type: "error", id: number, message: string }} RequestFailure
 * @typedef {{ type: "failed", message: string }} Failed  the worker could not start, or its work failed
 * @typedef {{ type: "crashed", message: string }} Crashed  the worker is unusable: WebAssembly trapped
 * @typedef {LoadProgress | Ready | DeviceChange | Response | RequestFailure | Failed | Crashed} FromClassifier
 */

/**
 * The fine-tuning worker runs one job. Its last message is "finished" or "failed".
 *
 * @typedef {object} FineTuneJob
 * @property {Blob | null} base  the bundle to start from; null is the built-in model
 * @property {DeviceName} device
 * @property {FineTuneOptions} options
 * @property {[string, string][]} renamed  genres of the base and their new names
 * @property {{ name: string, file: Blob, labels: Record<string, boolean> }[]} posters  labels by the base's genre names
 *
 * @typedef {{ type: "start", job: FineTuneJob } | { type: "pause" } | { type: "resume" } | { type: "stop" }} ToFineTuner
 *
 * @typedef {{ type: "prepared", posters: number, of: number }} Prepared  posters whose features are computed
 * @typedef {{ type: "rejected", name: string, message: string }} RejectedPoster
 * @typedef {{ type: "progress", progress: FineTuneProgress }} TrainingProgress
 * @typedef {{ type: "checkpoint", step: number, steps: number, file: Uint8Array }} Checkpoint
 * @typedef {{ type: "evaluated", report: FineTuneReport | null }} Evaluated  held-out metrics so far
 * @typedef {{ type: "finished", file: Uint8Array, report: FineTuneReport | null }} Finished
 * @typedef {Prepared | RejectedPoster | TrainingProgress | Checkpoint | Evaluated | Finished | Failed} FromFineTuner
 */

export {};
