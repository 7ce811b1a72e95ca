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
 * @typedef {import("../pkg/cpu/marquee.js").Manifest} Manifest
 * @typedef {Manifest["genres"][number]} Genre  an output of the network
 * @typedef {import("../pkg/teach/marquee.js").Judgement} Judgement
 * @typedef {import("../pkg/teach/marquee.js").FineTuneOptions} FineTuneOptions
 * @typedef {import("../pkg/teach/marquee.js").FineTuneProgress} FineTuneProgress
 *
 * @typedef {object} Explained  one poster's answer
 * @property {DeviceName} device
 * @property {number} milliseconds
 * @property {Prediction[]} predictions
 * @property {Explanation["heatmaps"] | null} heatmaps  null where the network has none
 *
 * @typedef {object} Classified  the answers to some posters
 * @property {DeviceName} device
 * @property {({ predictions: Prediction[], thumbnail: Blob | null } | { error: string })[]} results  in the files' order
 *
 * @typedef {object} Questions  what the worker answers: a question's arguments, and its answer
 * @property {{ question: File, answer: Explained }} explain
 * @property {{ question: File[], answer: Classified }} classify
 * @property {{ question: string, answer: Labels }} readLabels
 * @property {{ question: LabelledAnswer[], answer: Evaluation }} evaluate
 * @property {{ question: Blob, answer: Manifest }} inspect  whether a file holds a network that can be used here
 *
 * @typedef {{ type: "start", choice: Choice, network: Blob | null }} Start  the shipped network where there is none
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
 * @typedef {object} Lesson  what the teacher's worker is told
 * @property {Blob | null} base  the network to begin with; null is the shipped one
 * @property {DeviceName} device
 * @property {FineTuneOptions} options
 * @property {[string, string][]} renamed
 * @property {{ name: string, file: Blob, labels: Record<string, boolean> }[]} posters
 * @typedef {{ type: "teach", lesson: Lesson } | { type: "pause" } | { type: "go" } | { type: "stop" }} ToTeacher
 *
 * @typedef {{ type: "looked", posters: number, of: number }} Looked
 * @typedef {{ type: "refused", name: string, message: string }} RefusedPoster
 * @typedef {{ type: "progress", progress: FineTuneProgress }} Learning
 * @typedef {{ type: "checkpoint", step: number, steps: number, file: Uint8Array }} Checkpoint  what was learnt so far
 * @typedef {{ type: "judged", judgement: Judgement | null }} Judged  how good it is so far
 * @typedef {{ type: "taught", file: Uint8Array, judgement: Judgement | null }} Taught
 * @typedef {Looked | RefusedPoster | Learning | Checkpoint | Judged | Taught | Failed} FromTeacher
 *
 * @typedef {{ bytes: number, sha256: string }} SiteFile
 * @typedef {{ version: string, files: Record<string, SiteFile> }} Site  every file of this version of the page
 */

export {};
