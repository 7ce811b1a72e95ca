/**
 * The page: joins what the visitor does (view.js) with the classifier (client.js).
 *
 * @import { Choice, FromWorker } from "./messages.js"
 */

import { Client } from "./client.js";
import * as view from "./view.js";

const SAMPLE = "samples/lighthouse.jpg";

/** Largest file that is read, in bytes; a poster has a few hundred thousand. */
const LARGEST_FILE = 100e6;

let latest = 0;

const client = new Client(chosenDevice(), hear);

view.listen(
    (file) => classify(file, file.name),
    () => classifySample(),
);

/** `?device=cpu` or `?device=webgpu` forces one. */
function chosenDevice() {
    const wanted = new URLSearchParams(location.search).get("device");
    /** @type {Choice} */
    const choice = wanted === "cpu" || wanted === "webgpu" ? wanted : "auto";
    return choice;
}

/** @param {FromWorker} message */
function hear(message) {
    if (message.type === "progress") view.showProgress(message.loaded, message.total);
    if (message.type === "ready") view.showReady(message.manifest);
    if (message.type === "device") view.showDevice(message.device, message.reason);
    if (message.type === "failed") view.showFailed(message.message);
}

/**
 * @param {Blob} poster
 * @param {string} name
 */
async function classify(poster, name) {
    const mine = ++latest;
    view.showWorking(poster, name);
    try {
        if (poster.size > LARGEST_FILE) {
            throw new Error(`the file has ${Math.round(poster.size / 1e6)} MB, more than the ${LARGEST_FILE / 1e6} MB that are read`);
        }
        const answer = await client.classify(new Uint8Array(await poster.arrayBuffer()));
        // A poster that was dropped meanwhile is the one that the visitor waits for.
        if (mine === latest) view.showAnswer(answer);
    } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (mine === latest) view.showRefused(`${name}: ${message}`);
    }
}

async function classifySample() {
    const response = await fetch(SAMPLE).catch(() => undefined);
    if (response?.ok) {
        await classify(await response.blob(), "sample");
    } else {
        view.showError("The sample poster cannot be loaded; choose a poster of your own.");
    }
}
