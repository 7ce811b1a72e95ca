/**
 * The worker's side: starts a classifier or a fine-tuner, and handles requests one at a time, urgent ones first.
 *
 * @import { FromWorker, Methods, Request, Start, ToWorker } from "./messages.js"
 * @import { classifierMethods } from "./classifier-methods.js"
 * @import { fineTunerMethods } from "./fine-tuner-methods.js"
 */

import { firstLine, toPlain } from "./errors.js";

/**
 * A wasm package's module.
 *
 * @typedef {Pick<typeof import("../pkg/cpu/marquee.js"), "Classifier" | "readLabels"> & { default: (options: { module_or_path: WebAssembly.Module }) => Promise<unknown>, FineTuner?: typeof import("../pkg/teach/marquee.js").FineTuner }} Package
 *
 * The page's end of the connection.
 *
 * @typedef {object} Port
 * @property {(message: FromWorker, transfer?: Transferable[]) => void} post
 * @property {(handle: (message: ToWorker) => void) => void} listen
 *
 * What a worker is for. The one of the first answer does not load what fine-tuning needs.
 *
 * @typedef {{ classifier?: typeof classifierMethods, fineTuner?: typeof fineTunerMethods }} Purpose
 *
 * What a worker is doing, for methods that can be paused.
 *
 * @typedef {{ isPaused: boolean, onProgress: (progress: import("./api.js").FineTuneProgress) => void }} Control
 *
 * @typedef {{ [K in keyof Methods]?: (argument: any, control: Control) => Promise<Methods[K]["result"]> | Methods[K]["result"] }} Handlers
 */

/**
 * @param {Port} port
 * @param {Package} marquee
 * @param {Purpose} purpose
 * @returns {{ running: () => number }}  the id of the request that is being handled; 0 is none
 */
export function serve(port, marquee, purpose) {
    /** @type {Handlers} */
    let methods = {};
    /** @type {Request[]} */
    const waiting = [];
    /** @type {Control} */
    const control = { isPaused: false, onProgress: () => {} };
    let running = 0;
    let isBusy = true; // until it has started

    port.listen((message) => {
        switch (message.type) {
            case "start":
                start(message);
                break;
            case "request":
                waiting.push(message);
                if (!isBusy) handleAll();
                break;
            case "cancel": {
                const index = waiting.findIndex(({ id }) => id === message.id);
                if (index >= 0) waiting.splice(index, 1);
                else if (message.id === running) control.isPaused = true;
                break;
            }
            case "pause":
                control.isPaused = true;
        }
    });

    /** @param {Start} message */
    async function start({ device, wasm, model, fineTune }) {
        try {
            await marquee.default({ module_or_path: wasm });
            const data = model.data instanceof Blob ? new Uint8Array(await model.data.arrayBuffer()) : model.data;
            const open = (/** @type {any} */ kind, /** @type {object} */ options) =>
                model.manifest === undefined ? kind.open(data, options) : kind.load(model.manifest, data, options);
            if (fineTune && purpose.fineTuner) {
                const tuner = await open(marquee.FineTuner, { ...fineTune, device });
                methods = purpose.fineTuner(tuner);
                port.post({ type: "ready", manifest: null, genres: tuner.genres });
            } else if (purpose.classifier) {
                const classifier = await open(marquee.Classifier, { device });
                methods = purpose.classifier(marquee, classifier, device);
                port.post({ type: "ready", manifest: classifier.manifest ?? null, genres: [] });
            }
            handleAll();
        } catch (error) {
            port.post({ type: "failed", error: toPlain(error) });
        }
    }

    async function handleAll() {
        isBusy = true;
        for (;;) {
            const index = Math.max(0, waiting.findIndex(({ urgent }) => urgent));
            const [request] = waiting.splice(index, 1);
            if (!request) break;
            await handle(request);
            await receiveMessages();
        }
        isBusy = false;
    }

    /** @param {Request} request */
    async function handle({ id, method, argument }) {
        running = id;
        control.isPaused = false;
        control.onProgress = (progress) => port.post({ type: "progress", id, progress });
        try {
            const handler = methods[method];
            if (!handler) throw new TypeError(`this worker has no method ${method}`);
            const result = await handler(argument, control);
            port.post({ type: "response", id, result });
        } catch (error) {
            if (error instanceof WebAssembly.RuntimeError) port.post({ type: "crashed", message: firstLine(error), running });
            else port.post({ type: "error", id, error: toPlain(error) });
        }
        running = 0;
    }

    return { running: () => running };
}

/**
 * Connects a Web Worker with the page: messages, and crashes that no promise reports.
 *
 * @param {Package} marquee
 * @param {Purpose} purpose
 */
export function serveWorker(marquee, purpose) {
    const { running } = serve(
        {
            post: (message) => self.postMessage(message),
            listen: (handle) => self.addEventListener("message", ({ data }) => handle(data)),
        },
        marquee,
        purpose,
    );
    // WebAssembly that has trapped never responds and cannot be trusted again: the page replaces the worker.
    self.addEventListener("error", (event) => {
        event.preventDefault();
        self.postMessage({ type: "crashed", message: event.message, running: running() });
    });
}

/** Lets the messages that have arrived be received, so that an urgent one overtakes. Timers would wait for 4 ms. */
function receiveMessages() {
    return /** @type {Promise<void>} */ (
        new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
                port1.close();
                resolve();
            };
            port2.postMessage(null);
        })
    );
}
