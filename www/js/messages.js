/**
 * What the page and the worker say to each other, in one table. Types only; nothing here runs.
 *
 * @typedef {"auto" | "cpu" | "webgpu"} Choice  which device the visitor wants
 * @typedef {import("../pkg/cpu/marquee.js").DeviceName} DeviceName
 * @typedef {import("../pkg/cpu/marquee.js").Prediction} Prediction
 *
 * @typedef {object} Metric  one figure of quality in the manifest
 * @property {string} name
 * @property {number} value
 * @property {number | null} baseline  what the better of the trivial baselines scores, where that says anything
 * @property {boolean} higher_is_better
 *
 * @typedef {object} Manifest  the fields of model.json that the page shows
 * @property {{ name: string }} architecture
 * @property {{ width: number, height: number }} input
 * @property {{ name: string, threshold: number, posters: number }[]} genres
 * @property {Metric[]} metrics
 * @property {{ config: string, data: string, train_posters: number, valid_posters: number, test_posters: number, licence: string }} training
 * @property {{ file: string, bytes: number, sha256: string }} weights
 *
 * @typedef {{ type: "start", choice: Choice }} Start
 * @typedef {{ type: "classify", id: number, bytes: Uint8Array }} Classify
 * @typedef {Start | Classify} ToWorker
 *
 * @typedef {{ type: "progress", loaded: number, total: number }} Progress  bytes on the way to the first answer
 * @typedef {{ type: "ready", manifest: Manifest }} Ready  the CPU can answer
 * @typedef {{ type: "device", device: DeviceName, reason: string }} Device  who answers from now on, and why
 * @typedef {{ type: "answer", id: number, device: DeviceName, milliseconds: number, genres: Prediction[] }} Answer
 * @typedef {{ type: "refused", id: number, message: string }} Refused  this file cannot be classified
 * @typedef {{ type: "failed", message: string }} Failed  nothing can be classified
 * @typedef {{ type: "crashed", message: string }} Crashed  the worker cannot be used any more
 * @typedef {Progress | Ready | Device | Answer | Refused | Failed | Crashed} FromWorker
 */

export {};
