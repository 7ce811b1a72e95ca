/**
 * The classifier that the page uses: one instance of the package, which is replaced when the visitor chooses another
 * device or model. What was asked of the old one is asked again of the new one.
 *
 * @import { DeviceChoice, DeviceName, Explained, LabelledPrediction, Manifest } from "./messages.js"
 * @import { LoadProgress, Marquee, MarqueeError } from "../marquee/api.js"
 */

import { load } from "../marquee/index.js";
import { message } from "./errors.js";
import { strings } from "./strings/index.js";

/**
 * @typedef {object} Listener
 * @property {(progress: LoadProgress) => void} onProgress
 * @property {(manifest: Manifest) => void} onReady  the model can be used
 * @property {(device: DeviceName, reason: string) => void} onDevice  the device used from now on, and why
 * @property {(message: string) => void} onFailed  the model cannot be loaded
 */

export class Session {
    /** @type {{ device: DeviceChoice, model: Blob | null }} */
    #wanted;
    #listener;
    /** @type {Promise<Marquee>} */
    #opened;
    /** Ends the instance. */
    #end = () => {};

    /**
     * @param {DeviceChoice} device
     * @param {Listener} listener
     */
    constructor(device, listener) {
        this.#wanted = { device, model: null };
        this.#listener = listener;
        this.#opened = this.#open();
    }

    /** @param {DeviceChoice} device */
    chooseDevice(device) {
        if (device !== this.#wanted.device) this.#replace({ device });
    }

    /** Classifies with another model from now on. @param {Blob | null} model  null is the built-in one */
    useModel(model) {
        if (model !== this.#wanted.model) this.#replace({ model });
    }

    /**
     * Runs work that asks the classifier. It starts again if the classifier is replaced meanwhile.
     *
     * @template T
     * @param {(marquee: Marquee) => Promise<T>} work
     * @returns {Promise<T>}
     */
    async run(work) {
        for (;;) {
            const opened = this.#opened;
            try {
                return await work(await opened);
            } catch (error) {
                if (opened === this.#opened) throw error;
            }
        }
    }

    /** Classifies one poster, with heatmaps. @param {File} file @returns {Promise<Explained>} */
    async explain(file) {
        const { genres, ...result } = await this.run((marquee) => marquee.classify(file, { heatmaps: true }));
        return { predictions: genres, ...result };
    }

    /** Parses a CSV of genres. @param {string} csv */
    readLabels(csv) {
        return this.run((marquee) => marquee.readLabels(csv));
    }

    /** @param {LabelledPrediction[]} predictions */
    evaluate(predictions) {
        return this.run((marquee) => marquee.evaluate(predictions));
    }

    /** Checks that a file is a bundle that works here. @param {Blob} file */
    inspect(file) {
        return this.run((marquee) => marquee.inspect(file));
    }

    /** @param {Partial<{ device: DeviceChoice, model: Blob | null }>} changes */
    #replace(changes) {
        Object.assign(this.#wanted, changes);
        const end = this.#end;
        this.#opened = this.#open();
        end();
    }

    #open() {
        const { device, model } = this.#wanted;
        const ended = new AbortController();
        const isCurrent = () => !ended.signal.aborted;
        const onDevice = (/** @type {DeviceName} */ name, /** @type {MarqueeError | null} */ reason) => {
            if (isCurrent()) this.#listener.onDevice(name, reason ? message(reason) : "");
        };
        const onProgress = (/** @type {LoadProgress} */ progress) => isCurrent() && this.#listener.onProgress(progress);
        const opened = load({ device, model, onDevice, onProgress, signal: ended.signal }).catch((error) => {
            throw new Error(strings.worker.modelNotLoaded(message(error)), { cause: error });
        });
        opened.then(
            ({ manifest }) => isCurrent() && this.#listener.onReady(manifest),
            ({ cause }) => isCurrent() && this.#listener.onFailed(message(cause)),
        );
        this.#end = () => {
            ended.abort();
            opened.then((marquee) => marquee.close(), () => {});
        };
        return opened;
    }
}
