/**
 * The visitor's networks, side by side with the shipped one: which of them answers, their names, taking them
 * along as files, and back again.
 *
 * @import { Network } from "./store.js"
 * @import { Manifest } from "./messages.js"
 */

import { element, make } from "./dom.js";
import { askName, askYes } from "./dialog.js";
import * as store from "./store.js";

const page = {
    choice: element("model", HTMLSelectElement),
    rename: element("rename-model", HTMLButtonElement),
    save: element("save-model", HTMLButtonElement),
    remove: element("remove-model", HTMLButtonElement),
    note: element("model-note", HTMLElement),
    shown: element("model-name", HTMLElement),
};

const KEY = "marquee.network";

/** @type {Map<number, Network>} */
let networks = new Map();
/** The one that answers; undefined is the shipped one. @type {Network | undefined} */
let current;
/** @type {(network: Network | undefined) => void} */
let listener = () => {};

/** @param {(network: Network | undefined) => void} changed  hears which network answers from now on */
export function listen(changed) {
    listener = changed;
    page.choice.addEventListener("change", () => {
        note("");
        use(networks.get(Number(page.choice.value)));
    });
    page.rename.addEventListener("click", async () => {
        const network = current;
        const name = network && (await askName("A name for this network", network.name, (name) => (name ? "" : "It needs a name.")));
        if (network && name) await change(network, { name });
    });
    page.save.addEventListener("click", () => {
        if (current?.file) save(current.file, current.name);
    });
    page.remove.addEventListener("click", async () => {
        const network = current;
        if (!network || !(await askYes(`Forget “${network.name}” and its posters?`, "Forget them"))) return;
        await store.forget(network.id).catch(complain);
        networks.delete(network.id);
        use(undefined);
    });
}

/** Those of earlier visits. @returns {Promise<Network | undefined>}  the one that answered last */
export async function restore() {
    try {
        networks = new Map((await store.networks()).map((network) => [network.id, network]));
        current = networks.get(Number(localStorage.getItem(KEY)));
        if (current?.cut) {
            const { step, steps } = current.cut;
            note(`Training “${current.name}” was cut off after step ${step} of ${steps}. What it had learnt until then is kept; you can undo it.`);
        }
    } catch {
        // Without storage there are none.
    }
    show();
    return current;
}

/** The network that answers; undefined is the shipped one. */
export function inUse() {
    return current;
}

/** @param {Network | undefined} network */
export function use(network) {
    current = network;
    try {
        localStorage.setItem(KEY, String(network?.id ?? ""));
    } catch {
        // The next visit then begins with the shipped network.
    }
    show();
    listener(network);
}

/**
 * A new one, which is kept if the browser lets us.
 *
 * @param {string} name
 * @param {Blob | null} base
 * @param {Blob | null} file
 */
export async function add(name, base, file) {
    const names = new Set([...networks.values()].map((network) => network.name));
    let free = name;
    for (let number = 2; names.has(free); number++) free = `${name} ${number}`;
    /** @type {Omit<Network, "id"> & { id?: number }} */
    const made = { name: free, base, file, genres: [], added: [], renamed: [], judgement: null, cut: null, earlier: [] };
    const network = await store.keep(made).catch((error) => {
        complain(error);
        // Below those that the store gives out.
        return { ...made, id: -1 - networks.size };
    });
    networks.set(network.id, network);
    return network;
}

/**
 * @param {Network} network
 * @param {Partial<Network>} changes
 */
export async function change(network, changes) {
    Object.assign(network, changes);
    show();
    // What the browser would not keep from the beginning is not tried at every click.
    if (network.id > 0) await store.keep(network).catch(complain);
}

/**
 * Takes a network from a file.
 *
 * @param {File} file
 * @param {(file: Blob) => Promise<Manifest>} inspect
 */
export async function take(file, inspect) {
    await inspect(file);
    const copy = new Blob([await file.arrayBuffer()]);
    const network = await add(file.name.replace(/\.safetensors$/i, ""), copy, copy);
    use(network);
    note(`“${network.name}” answers now.`);
}

/** @param {string} text */
export function note(text) {
    page.note.textContent = text;
}

/** @param {unknown} error */
export function complain(error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    const why = full ? "the disk, or what the browser gives this page of it, is full" : error instanceof Error ? error.message : String(error);
    note(`This browser does not keep it (${why}). It works until the page is closed: save the network as a file.`);
}

function show() {
    const shipped = make("option", { value: "" }, "the shipped network");
    const own = [...networks.values()].map(({ id, name }) => make("option", { value: String(id) }, name));
    page.choice.replaceChildren(shipped, ...own);
    page.choice.value = String(current?.id ?? "");
    page.rename.hidden = page.remove.hidden = !current;
    page.save.hidden = !current?.file;
    page.shown.textContent = current?.file ? ` with “${current.name}”` : "";
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function save(file, name) {
    const href = URL.createObjectURL(file);
    make("a", { href, download: `${name.replaceAll(/[^\p{L}\p{N} ._-]/gu, "_")}.safetensors` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
