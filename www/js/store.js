/**
 * What a visitor taught, kept in this browser (IndexedDB): networks, and the posters that each learns from. A
 * change is there whole or not at all, whatever happens to the page meanwhile.
 *
 * @import { Judgement } from "./messages.js"
 */

const NAME = "marquee";
const VERSION = 1;

/**
 * @typedef {object} Network  a network of the visitor's
 * @property {number} id
 * @property {string} name
 * @property {Blob | null} base  what teaching begins with; null is the shipped network
 * @property {Blob | null} file  what it has become; null until it is taught
 * @property {string[]} genres  those that are taught
 * @property {string[]} added  those of them that the base does not know
 * @property {[string, string][]} renamed  genres of the base that have another name
 * @property {Judgement | null} judgement  of the file
 * @property {{ step: number, steps: number } | null} cut  where training was cut off, if the file is from there
 * @property {{ file: Blob | null, judgement: Judgement | null }[]} earlier  what undoing goes back to, the latest last
 *
 * @typedef {object} Example  a poster that a network learns from
 * @property {number} id
 * @property {number} network
 * @property {string} name
 * @property {Blob} file
 * @property {string[]} genres  those that it has
 */

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

function open() {
    opening ??= new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, VERSION);
        request.onupgradeneeded = () => {
            request.result.createObjectStore("networks", { keyPath: "id", autoIncrement: true });
            const examples = request.result.createObjectStore("examples", { keyPath: "id", autoIncrement: true });
            examples.createIndex("network", "network");
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    return opening;
}

/**
 * Runs `work` on both stores; done once all of it is on disk.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(networks: IDBObjectStore, examples: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function transact(mode, work) {
    const database = await open();
    return new Promise((resolve, reject) => {
        const transaction = database.transaction(["networks", "examples"], mode, { durability: "strict" });
        const request = work(transaction.objectStore("networks"), transaction.objectStore("examples"));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error ?? request.error);
    });
}

/** @returns {Promise<Network[]>} */
export function networks() {
    return transact("readonly", (networks) => networks.getAll());
}

/** Keeps a network; gives it an id where it has none. @param {Omit<Network, "id"> & { id?: number }} network */
export async function keep(network) {
    network.id = /** @type {number} */ (await transact("readwrite", (networks) => networks.put(network)));
    return /** @type {Network} */ (network);
}

/** Forgets a network and its posters. @param {number} id */
export function forget(id) {
    return transact("readwrite", (networks, examples) => {
        const posters = examples.index("network").openKeyCursor(IDBKeyRange.only(id));
        posters.onsuccess = () => {
            if (!posters.result) return;
            examples.delete(posters.result.primaryKey);
            posters.result.continue();
        };
        return networks.delete(id);
    });
}

/** The posters of a network, in the order in which they came. @param {number} network @returns {Promise<Example[]>} */
export function examples(network) {
    return transact("readonly", (_, examples) => examples.index("network").getAll(network));
}

/** @param {Omit<Example, "id"> & { id?: number }} example */
export async function keepExample(example) {
    example.id = /** @type {number} */ (await transact("readwrite", (_, examples) => examples.put(example)));
    return /** @type {Example} */ (example);
}

/** @param {number} id */
export function forgetExample(id) {
    return transact("readwrite", (_, examples) => examples.delete(id));
}
