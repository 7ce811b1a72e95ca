/**
 * Loads the Teach view when it is first needed. Most visits never open it, and its modules would delay the first
 * result.
 *
 * @import { DeviceChoice, DeviceName, Manifest } from "../messages.js"
 * @import { OwnModel } from "../store.js"
 */

/** @typedef {typeof import("./view.js")} View */

/** @type {View | undefined} */
let view;
/** @type {Promise<View> | undefined} */
let loading;
/** What happened before the view was loaded. @type {{ devices: { choice?: DeviceChoice, device?: DeviceName }, manifest?: Manifest, model?: OwnModel | undefined }} */
const missed = { devices: {} };

/** Returns the view, ready for use. */
export function load() {
    loading ??= start().catch((error) => {
        loading = undefined; // the next call tries again
        throw error;
    });
    return loading;
}

async function start() {
    const loaded = await import("./view.js");
    view = loaded;
    view.applyDevice(missed.devices);
    if (missed.manifest) view.showReady(missed.manifest);
    view.showModel(missed.model); // its posters may appear later
    return loaded;
}

/** Returns whether a reload would lose something of the view. */
export function isUnsaved() {
    return view?.isUnsaved() ?? false;
}

/** @param {typeof missed.devices} changes */
export function applyDevice(changes) {
    Object.assign(missed.devices, changes);
    view?.applyDevice(changes);
}

/** @param {Manifest} manifest */
export function showReady(manifest) {
    missed.manifest = manifest;
    view?.showReady(manifest);
}

/** @param {OwnModel | undefined} model */
export function showModel(model) {
    missed.model = model;
    view?.showModel(model);
}
