/**
 * What the page and the worker say to each other, in one table. Types only; nothing here runs.
 *
 * @typedef {"auto" | "cpu" | "webgpu"} Choice  which device the visitor wants
 * @typedef {import("../pkg/cpu/marquee.js").DeviceName} DeviceName
 * @typedef {import("../pkg/cpu/marquee.js").Prediction} Prediction
 * @typedef {import("../pkg/cpu/marquee.js").Explanation} Explanation
 * @typedef {import("../pkg/cpu/marquee.js").Heatmap} Heatmap
 * @typedef {import("../pkg/cpu/marquee.js").Places} Places
 * @typedef {import("../pkg/cpu/marquee.js").Metric} Metric
 * @typedef {import("../pkg/cpu/marquee.js").Labels} Labels
 * @typedef {import("../pkg/cpu/marquee.js").LabelledAnswer} LabelledAnswer
 * @typedef {import("../pkg/cpu/marquee.js").Evaluation} Evaluation
 *
 * @typedef {object} Genre  an output of the network, as model.json names it
 * @property {string} name
 * @property {number} threshold
 * @property {number} posters  training posters that had it
 * @property {{ positives: number, average_precision: number }} [quality]
 *
 * @typedef {object} Manifest  the fields of model.json that the page shows
 * @property {{ name: string }} architecture
 * @property {{ width: number, height: number }} input
 * @property {Genre[]} genres
 * @property {Metric[]} metrics
 * @property {{ config: string, data: string, train_posters: number, valid_posters: number, test_posters: number, device: string, minutes: number, licence: string }} training
 * @property {{ file: string, bytes: number, sha256: string }} weights
 *
 * @typedef {object} Explained  one poster's answer
 * @property {DeviceName} device
 * @property {number} milliseconds
 * @property {Prediction[]} predictions
 * @property {Explanation["heatmaps"] | null} heatmaps  null where the network has none
 *
 * @typedef {object} Classified  the answers to some posters
 * @property {DeviceName} device
 * @property {({ predictions: Prediction[], thumbnail: Blob | null } | { refused: string })[]} answers  in the files' order
 *
 * @typedef {object} Questions  what the worker answers: a question's arguments, and its answer
 * @property {{ question: File, answer: Explained }} explain
 * @property {{ question: File[], answer: Classified }} classify
 * @property {{ question: string, answer: Labels }} readLabels
 * @property {{ question: LabelledAnswer[], answer: Evaluation }} evaluate
 *
 * @typedef {{ type: "start", choice: Choice }} Start
 * @typedef {{ [K in keyof Questions]: { type: K, id: number, question: Questions[K]["question"] } }[keyof Questions]} Ask
 * @typedef {Start | Ask} ToWorker
 *
 * @typedef {{ type: "progress", loaded: number, total: number }} Progress  bytes on the way to the first answer
 * @typedef {{ type: "ready", manifest: Manifest }} Ready  the CPU can answer
 * @typedef {{ type: "device", device: DeviceName, reason: string }} Device  who answers from now on, and why
 * @typedef {{ type: "answer", id: number, answer: Questions[keyof Questions]["answer"] }} Answer
 * @typedef {{ type: "refused", id: number, message: string }} Refused  this cannot be answered
 * @typedef {{ type: "failed", message: string }} Failed  nothing can be classified
 * @typedef {{ type: "crashed", message: string }} Crashed  the worker cannot be used any more
 * @typedef {Progress | Ready | Device | Answer | Refused | Failed | Crashed} FromWorker
 *
 * @typedef {{ bytes: number, sha256: string }} SiteFile
 * @typedef {{ version: string, files: Record<string, SiteFile> }} Site  every file of this version of the page
 */

export {};
