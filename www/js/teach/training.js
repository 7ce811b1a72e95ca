/**
 * The training controls: starts, pauses, stops and undoes a fine-tuning, and shows its progress.
 *
 * @import { DeviceChoice, DeviceName, FineTuneEvent, FineTuneJob } from "../messages.js"
 * @import { OwnModel } from "../store.js"
 */

import { element } from "../dom.js";
import { FineTuneSession } from "../fine-tune-session.js";
import * as models from "../models.js";
import { strings } from "../strings/index.js";
import { drawLossCurve } from "./loss-curve.js";
import * as report from "./report.js";
import * as state from "./state.js";
import { addError, showError, showStatus } from "./status.js";

const page = {
    section: element("teach", HTMLElement),
    depth: element("depth", HTMLSelectElement),
    steps: element("steps", HTMLInputElement),
    train: element("train", HTMLButtonElement),
    pause: element("pause-training", HTMLButtonElement),
    stop: element("stop-training", HTMLButtonElement),
    undo: element("undo-training", HTMLButtonElement),
    useBuiltIn: element("use-built-in", HTMLButtonElement),
    progress: element("training-progress", HTMLProgressElement),
    curve: element("curve", HTMLElement),
};

/** Trainings that can be undone; each takes the storage of a model. */
const MAX_UNDO = 5;

const DEFAULT_STEPS = 200;

/** Posters in a step; the last stage needs more memory for each. */
const BATCH_SIZE = { head: 32, "last-stage": 8 };

/** What cannot change during a training. */
const INPUTS = ".chips button, .ticks button, .remove, #known-genre, #new-genre, #depth, #steps";

/** @type {FineTuneSession | undefined} */
let session;
let paused = false;
/** The device that the visitor chose, and the one that classifies. @type {{ choice: DeviceChoice, device: DeviceName }} */
let devices = { choice: "auto", device: "cpu" };

state.listen({ onChange: showControls, onLabels: showControls });

page.train.addEventListener("click", train);
page.pause.addEventListener("click", () => {
    setPaused(!paused);
    if (paused) session?.pause();
    else session?.resume();
});
page.stop.addEventListener("click", () => session?.stop());
page.undo.addEventListener("click", undo);
page.useBuiltIn.addEventListener("click", () => models.select(undefined));

/** @param {Partial<typeof devices>} changes */
export function applyDevice(changes) {
    devices = { ...devices, ...changes };
}

/** Clears what is shown of an earlier training. */
export function clear() {
    showStatus("");
    showError("");
    page.curve.hidden = true;
}

function train() {
    const model = state.current();
    if (!model || session) return;
    const job = jobFor(model);
    showError("");
    report.show(null);
    setPaused(false);
    page.curve.hidden = false;
    session = new FineTuneSession(job, listenerFor(model, job), (reason) => showError(strings.training.restarting(reason)));
    page.progress.value = 0;
    showStatus(strings.training.loading);
    showControls();
    showInputs();
}

/** @param {OwnModel} model @returns {FineTuneJob} */
function jobFor(model) {
    const originals = new Map(model.renamed.map(([from, to]) => [to, from]));
    const posters = [...state.examples].map(({ name, file, genres }) => ({
        name,
        file,
        labels: Object.fromEntries(model.genres.map((genre) => [originals.get(genre) ?? genre, genres.includes(genre)])),
    }));
    const depth = /** @type {"head" | "last-stage"} */ (page.depth.value);
    const steps = Math.max(1, page.steps.valueAsNumber || DEFAULT_STEPS);
    const options = { depth, steps, newGenres: model.added, batchSize: BATCH_SIZE[depth] };
    return { base: model.base, device: deviceFor(depth), options, renamed: model.renamed, posters };
}

/** Chooses the device. A step of the head takes less time than a call to the GPU. @param {"head" | "last-stage"} depth */
function deviceFor(depth) {
    const { choice, device } = devices;
    const isFaster = depth === "last-stage" && device === "webgpu";
    return choice === "webgpu" || (choice === "auto" && isFaster) ? "webgpu" : "cpu";
}

/**
 * Returns the function that handles the messages of one training.
 *
 * @param {OwnModel} model
 * @param {FineTuneJob} job
 * @returns {(message: FineTuneEvent) => Promise<void>}
 */
function listenerFor(model, job) {
    const earlier = [...model.earlier, { file: model.file, judgement: model.judgement }].slice(-MAX_UNDO);
    /** @type {[number, number][]} */
    const losses = [];
    return async (message) => {
        switch (message.type) {
            case "prepared":
                page.progress.value = message.posters / message.of;
                showStatus(strings.training.preparing(message.posters, message.of));
                break;
            case "rejected":
                addError(`${message.name}: ${message.message}.`);
                break;
            case "progress": {
                const { step, steps, loss } = message.progress;
                losses.push([step, loss]);
                page.progress.value = step / steps;
                showStatus(strings.training.progress(message.progress));
                drawLossCurve(page.curve, losses, steps);
                break;
            }
            case "checkpoint": {
                const { file, step, steps } = message;
                await models.change(model, { file: blob(file), judgement: null, cut: { step, steps }, earlier });
                break;
            }
            case "evaluated":
                report.show(message.report, strings.report.headingSoFar);
                break;
            case "finished":
                await models.change(model, { file: blob(message.file), judgement: message.report, cut: null, earlier });
                end();
                showStatus(strings.training.finished(job.posters.length, model.name));
                models.select(model);
                break;
            case "failed":
                end();
                showStatus("");
                addError(strings.training.failed(message.message));
                addError(model.cut ? strings.training.savedUntil(model.cut.step) : strings.training.unchanged);
                models.select(model);
        }
    };
}

function end() {
    session = undefined;
    showInputs();
    state.changed();
}

async function undo() {
    const model = state.current();
    const last = model?.earlier.at(-1);
    if (!model || !last) return;
    await models.change(model, { ...last, cut: null, earlier: model.earlier.slice(0, -1) });
    models.select(model);
    state.changed();
    showStatus(strings.training.undone);
}

/** @param {boolean} wanted */
function setPaused(wanted) {
    paused = wanted;
    page.pause.textContent = paused ? strings.training.resume : strings.teach.pause;
}

function showControls() {
    const running = session !== undefined;
    const model = state.current();
    const hasPositives = state.genres().some((genre) => state.countWith(genre) > 0);
    page.progress.hidden = page.pause.hidden = page.stop.hidden = !running;
    page.undo.hidden = running || !model?.earlier.length;
    page.useBuiltIn.hidden = running || !model;
    page.train.disabled = running || !hasPositives;
    page.train.title = hasPositives ? "" : strings.training.cannotTrain;
}

/** Disables the inputs during a training. */
function showInputs() {
    for (const control of page.section.querySelectorAll(INPUTS)) {
        /** @type {HTMLButtonElement} */ (control).disabled = session !== undefined;
    }
}

/** @param {Uint8Array} file */
function blob(file) {
    return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)]);
}
