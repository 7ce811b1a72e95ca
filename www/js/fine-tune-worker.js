/**
 * The fine-tuning worker: runs one job, then the page ends it. The classifier has a worker of its own, so that it stays
 * responsive and survives a failed training.
 *
 * @import { FineTuneJob, FineTuneReport, FromFineTuner, ToFineTuner } from "./messages.js"
 * @import { FineTuner } from "../pkg/teach/marquee.js"
 */

import { firstLine } from "./errors.js";
import { watchGpu } from "./gpu.js";
import { downloadPackage, findModel, openPackage } from "./loading.js";

/** Milliseconds between two checkpoints. */
const CHECKPOINT_INTERVAL = 2000;

/** Least milliseconds between two evaluations. */
const EVALUATION_INTERVAL = 500;

/** Training takes at least this many times as long as evaluation. */
const TRAINING_PER_EVALUATION = 10;

/** Posters whose features are computed between two reports. */
const POSTERS_PER_REPORT = 2;

let paused = false;
let stopped = false;
/** Ends a pause. @type {() => void} */
let wake = () => {};

/** @param {FromFineTuner} message */
const post = (message) => self.postMessage(message);

/** @param {unknown} error */
const fail = (error) => post({ type: "failed", message: firstLine(error) });

self.addEventListener("message", ({ data }) => {
    /** @type {ToFineTuner} */
    const message = data;
    if (message.type === "start") {
        run(message.job).catch(fail);
    } else {
        paused = message.type === "pause";
        stopped = message.type === "stop";
        wake();
    }
});

self.addEventListener("error", (event) => {
    event.preventDefault();
    post({ type: "failed", message: event.message });
});

watchGpu({ onLost: fail });

/** @param {FineTuneJob} job */
async function run({ base, device, options, renamed, posters }) {
    const name = device === "webgpu" ? "gpu" : "teach";
    const [wasm, model] = await Promise.all([downloadPackage(name), findModel(base).then((found) => found.download())]);
    const { FineTuner } = await openPackage(name, wasm);
    const tuner = await model.open(FineTuner, { ...options, device });

    await addPosters(tuner, posters);
    if (!stopped) await train(tuner);
    const report = await evaluate(tuner);
    // Last, because labels use the old names.
    for (const [from, to] of renamed) tuner.rename(from, to);
    post({ type: "finished", file: await tuner.export(), report });
}

/**
 * @param {FineTuner} tuner
 * @param {FineTuneJob["posters"]} posters
 */
async function addPosters(tuner, posters) {
    for (let first = 0; first < posters.length && !stopped; first += POSTERS_PER_REPORT) {
        const some = posters.slice(first, first + POSTERS_PER_REPORT);
        const files = some.map(async ({ file, labels }) => ({ bytes: new Uint8Array(await file.arrayBuffer()), labels }));
        const errors = await tuner.add(await Promise.all(files));
        errors.forEach((error, index) => {
            if (error) post({ type: "rejected", name: some[index]?.name ?? "", message: error.message });
        });
        post({ type: "prepared", posters: Math.min(first + POSTERS_PER_REPORT, posters.length), of: posters.length });
    }
}

/** Trains until the last step or until the page stops it; in between evaluates and saves checkpoints. @param {FineTuner} tuner */
async function train(tuner) {
    let nextCheckpoint = performance.now() + CHECKPOINT_INTERVAL;
    let nextEvaluation = performance.now(); // at once, so that a short training shows results too
    for (;;) {
        const { step, steps } = await tuner.train((progress) => {
            post({ type: "progress", progress });
            return !(paused || stopped || performance.now() >= Math.min(nextCheckpoint, nextEvaluation));
        });
        if (stopped || step === steps) return;
        if (performance.now() >= nextEvaluation) {
            const started = performance.now();
            post({ type: "evaluated", report: await evaluate(tuner) });
            const ended = performance.now();
            nextEvaluation = ended + Math.max(EVALUATION_INTERVAL, TRAINING_PER_EVALUATION * (ended - started));
        }
        if (paused || performance.now() > nextCheckpoint) {
            post({ type: "checkpoint", step, steps, file: await tuner.export() });
            nextCheckpoint = performance.now() + CHECKPOINT_INTERVAL;
        }
        while (paused) await /** @type {Promise<void>} */ (new Promise((resolve) => (wake = resolve)));
    }
}

/** Returns the held-out metrics; null where there are none. @param {FineTuner} tuner @returns {Promise<FineTuneReport | null>} */
async function evaluate(tuner) {
    return (await tuner.evaluate().catch(() => undefined)) ?? null;
}
