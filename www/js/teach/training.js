/**
 * The training controls: starts, pauses, stops and undoes a fine-tuning, and shows its progress.
 *
 * @import { DeviceChoice, DeviceName, FineTuneEvent, FineTuneJob, FineTuneReport } from "../messages.js"
 * @import { OwnModel } from "../store.js"
 * @import { Point } from "./loss-curve.js"
 */

import { element } from "../dom.js";
import { FineTuneSession } from "../fine-tune-session.js";
import { genreName } from "../genres.js";
import { lockModel } from "../model-lock.js";
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
    next: element("next-step", HTMLElement),
    curve: element("curve", HTMLElement),
};

/** Trainings that can be undone; each takes the storage of a model. */
const MAX_UNDO = 5;

const DEFAULT_STEPS = 200;

/** Posters in a step; the last stage needs more memory for each. */
const BATCH_SIZE = { head: 32, "last-stage": 8 };

/** What cannot change during a training. */
const INPUTS =
    ".chips button, .ticks button, .remove, #known-genre, #new-genre, #teach-file, #depth, #steps, #model, #remove-model";

/** @type {FineTuneSession | undefined} */
let session;
/** Lets other tabs train or delete the model again. */
let unlock = () => {};
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

export function isRunning() {
    return session !== undefined;
}

/** Clears what is shown of an earlier training. */
export function clear() {
    showStatus("");
    showError("");
    page.curve.hidden = true;
}

async function train() {
    const model = state.current();
    if (!model || session) return;
    showError("");
    page.train.disabled = true; // a second click must not wait for the lock too
    const lock = await lockModel(model.id);
    if (!lock) {
        showError(strings.models.inOtherTab(model.name));
        showControls();
        return;
    }
    unlock = lock;
    const job = jobFor(model);
    report.show(null);
    page.curve.hidden = true; // it is of the training before
    setPaused(false);
    session = new FineTuneSession(job, listenerFor(model, job), (reason) => showError(strings.training.restarting(reason)));
    page.progress.value = 0;
    showStatus(strings.training.loading);
    showControls();
    page.pause.focus(); // the button for training is hidden now
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
    const curve = { training: /** @type {Point[]} */ ([]), heldOut: /** @type {Point[]} */ ([]), guessing: NaN, steps: job.options.steps ?? 0 };
    const evaluated = (/** @type {FineTuneReport | null} */ result) => {
        if (!result) return;
        curve.heldOut.push([curve.training.at(-1)?.[0] ?? 0, result.crossEntropy.after]);
        curve.guessing = result.crossEntropy.guessing;
        showCurve(curve);
    };
    return async (message) => {
        switch (message.type) {
            case "prepared":
                page.progress.value = message.posters / message.of;
                showStatus(strings.training.preparing(message.posters, message.of));
                break;
            case "rejected":
                addError(strings.training.rejected(message.name, message.message));
                break;
            case "progress": {
                const { step, steps, loss } = message.progress;
                curve.training.push([step, loss]);
                page.progress.value = step / steps;
                showStatus(strings.training.progress(message.progress));
                showCurve(curve);
                break;
            }
            case "checkpoint": {
                const { file, step, steps } = message;
                await models.change(model, { file: blob(file), judgement: null, cut: { step, steps }, earlier });
                break;
            }
            case "evaluated":
                report.show(message.report, strings.report.headingSoFar);
                evaluated(message.report);
                break;
            case "finished":
                await models.change(model, { file: blob(message.file), judgement: message.report, cut: null, earlier });
                evaluated(message.report);
                end();
                models.keep();
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

/** @param {import("./loss-curve.js").Curve} curve */
function showCurve(curve) {
    const isFirst = page.curve.hidden;
    page.curve.hidden = false;
    drawLossCurve(page.curve, curve);
    if (isFirst) page.curve.scrollIntoView({ block: "nearest" });
}

function end() {
    session = undefined;
    unlock();
    const hadFocus = page.pause === document.activeElement || page.stop === document.activeElement;
    state.changed();
    if (hadFocus) page.train.focus(); // the focused button is hidden now
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
    const running = isRunning();
    const model = state.current();
    const missing = missingStep();
    page.train.hidden = running;
    page.progress.hidden = page.pause.hidden = page.stop.hidden = !running;
    page.undo.hidden = running || !model?.earlier.length;
    page.useBuiltIn.hidden = running || !model;
    page.train.disabled = running || missing !== "";
    page.next.textContent = running ? "" : missing || strings.training.ready(state.examples.size);
    for (const control of page.section.querySelectorAll(INPUTS)) {
        /** @type {HTMLButtonElement} */ (control).disabled = running;
    }
}

/** Returns what the visitor must do before the training; empty if nothing. */
function missingStep() {
    if (!state.examples.size) return strings.training.addPosters;
    if (!state.genres().length) return strings.training.addGenre;
    return state.genres().some((genre) => state.countWith(genre) > 0) ? "" : strings.training.tick(genreName(state.genres()[0] ?? ""));
}

/** @param {Uint8Array} file */
function blob(file) {
    return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)]);
}
