/**
 * The teacher's worker: one training, then it ends. By itself, so that the classifier goes on answering, and
 * whatever becomes of a training leaves it alone.
 *
 * @import { FineTuner } from "../pkg/teach/marquee.js"
 * @import { FromTeacher, Lesson, ToTeacher } from "./messages.js"
 */

import * as download from "./download.js";

/** Between two copies of what was learnt so far, in milliseconds. */
const PAUSE = 2000;

/** Between two judgements of what was learnt so far, in milliseconds. */
const JUDGE = 500;

/** Training goes on for so many times as long as the last judgement took. */
const RARELY = 10;

/** Posters that are looked at between two reports. */
const TOGETHER = 2;

let paused = false;
let stopped = false;
/** @type {() => void} */
let wake = () => {};

/** @param {FromTeacher} message */
const post = (message) => self.postMessage(message);

self.addEventListener("message", ({ data }) => {
    /** @type {ToTeacher} */
    const message = data;
    if (message.type === "teach") {
        teach(message.lesson).catch((error) => post({ type: "failed", message: reason(error) }));
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

/** @param {Lesson} lesson */
async function teach({ base, device, options, renamed, posters }) {
    const name = device === "webgpu" ? "gpu" : "teach";
    const wasm = await download.bytes(`pkg/${name}/marquee_bg.wasm`);
    /** @type {typeof import("../pkg/teach/marquee.js")} */
    const marquee = await import(`../pkg/${name}/marquee.js`);
    await marquee.default({ module_or_path: wasm });
    if (device === "webgpu") hearLoss();
    const tuner = await begin(marquee.FineTuner, base, { ...options, device });

    for (let first = 0; first < posters.length && !stopped; first += TOGETHER) {
        const some = posters.slice(first, first + TOGETHER);
        const files = some.map(async ({ file, labels }) => ({ bytes: new Uint8Array(await file.arrayBuffer()), labels }));
        const refused = await tuner.add(await Promise.all(files));
        refused.forEach((error, index) => {
            if (error) post({ type: "refused", name: some[index]?.name ?? "", message: error.message });
        });
        post({ type: "looked", posters: Math.min(first + TOGETHER, posters.length), of: posters.length });
    }
    const judge = () => tuner.judge().catch(() => undefined);
    let save = performance.now() + PAUSE;
    let look = performance.now(); // at once, so that a short training is seen too
    let done = stopped;
    while (!done) {
        const last = await tuner.train((progress) => {
            post({ type: "progress", progress });
            return !(paused || stopped || performance.now() >= Math.min(save, look));
        });
        done = stopped || last.step === last.steps;
        if (done) break;
        if (performance.now() >= look) {
            const began = performance.now();
            post({ type: "judged", judgement: (await judge()) ?? null });
            const ended = performance.now();
            look = ended + Math.max(JUDGE, RARELY * (ended - began));
        }
        if (paused || performance.now() > save) {
            post({ type: "checkpoint", step: last.step, steps: last.steps, file: await tuner.export() });
            save = performance.now() + PAUSE;
        }
        while (paused) await /** @type {Promise<void>} */ (new Promise((resolve) => (wake = resolve)));
    }
    const judgement = await judge();
    // Last, since names are for people: what was learnt hangs on none of them.
    for (const [from, to] of renamed) tuner.rename(from, to);
    post({ type: "taught", file: await tuner.export(), judgement: judgement ?? null });
}

/**
 * @param {typeof FineTuner} Tuner
 * @param {Blob | null} base
 * @param {import("../pkg/teach/marquee.js").FineTuneOptions} options
 */
async function begin(Tuner, base, options) {
    if (base) return Tuner.open(new Uint8Array(await base.arrayBuffer()), options);
    const manifest = await download.text("model/model.json");
    return Tuner.load(manifest, await download.bytes(`model/${JSON.parse(manifest).weights.file}`), options);
}

/** A lost GPU never answers: the page is told, and ends this worker. */
function hearLoss() {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (/** @type {GPUDeviceDescriptor | undefined} */ descriptor) {
        const device = await request.call(this, descriptor);
        device.lost.then(({ message }) => post({ type: "failed", message: `the GPU was lost (${message || "no reason given"})` }));
        return device;
    };
}

/** @param {unknown} error */
function reason(error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.split("\n", 1)[0] ?? message;
}
