/**
 * The page's database in this browser (IndexedDB): opens it, upgrades that of an older version, and runs transactions.
 * The `idb` package would add a request before the first answer and does not reopen a closed database, so the few
 * lines are here.
 */

import { strings } from "./strings/index.js";

// The names of the database, of its first two stores and of their fields are those of version 0.1.
const NAME = "marquee";
const VERSION = 2;

/**
 * @typedef {object} Stores
 * @property {IDBObjectStore} models  records of models; bundles in them are ids of `files`
 * @property {IDBObjectStore} files  bundles: a change of a name or a genre does not write megabytes again
 * @property {IDBObjectStore} examples  training posters
 */

/** The open database; undefined before it is opened, and after it was closed. @type {Promise<IDBDatabase> | undefined} */
let opened;

/** Called while a tab with an older version of the page prevents the upgrade. */
let onBlocked = () => {};

/** @param {() => void} listener */
export function listenForBlock(listener) {
    onBlocked = listener;
}

/**
 * Runs `work` in one transaction: all of it is saved, or nothing. Resolves once everything is on disk. `work` may await
 * only requests of the stores; anything else would end the transaction.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(stores: Stores) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function transact(mode, work) {
    const transaction = await begin(mode);
    const completed = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
    });
    const stores = {
        models: transaction.objectStore("networks"),
        files: transaction.objectStore("files"),
        examples: transaction.objectStore("examples"),
    };
    const worked = work(stores).catch((error) => {
        // An aborted transaction fails its requests too; its own error says why.
        if (transaction.error) throw transaction.error;
        transaction.abort();
        throw error;
    });
    const [value] = await Promise.all([worked, completed]);
    return value;
}

/** Returns the result of a request. @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
export function done(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/** @param {IDBTransactionMode} mode */
async function begin(mode) {
    /** @param {IDBDatabase} database */
    const start = (database) => database.transaction(["networks", "files", "examples"], mode, { durability: "strict" });
    const first = await open();
    try {
        return start(first);
    } catch (error) {
        if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
        opened = undefined; // it was closed between the two calls
        return start(await open());
    }
}

function open() {
    opened ??= connect().catch((error) => {
        opened = undefined; // the next transaction tries again
        throw error;
    });
    return opened;
}

/** @returns {Promise<IDBDatabase>} */
function connect() {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, VERSION);
        request.onupgradeneeded = ({ oldVersion }) => {
            upgrade(request.result, /** @type {IDBTransaction} */ (request.transaction), oldVersion);
        };
        request.onblocked = () => onBlocked();
        request.onerror = () => {
            const isNewer = request.error?.name === "VersionError";
            reject(isNewer ? new Error(strings.models.newerVersion) : request.error);
        };
        request.onsuccess = () => {
            const database = request.result;
            // The browser closes it when a disk fails or the visitor deletes the page's data.
            database.onclose = () => (opened = undefined);
            // A tab with a newer version of the page waits to upgrade it.
            database.onversionchange = () => {
                database.close();
                opened = undefined;
            };
            resolve(database);
        };
    });
}

/**
 * @param {IDBDatabase} database
 * @param {IDBTransaction} transaction
 * @param {number} from  version of the database; 0 if there was none
 */
function upgrade(database, transaction, from) {
    if (from < 1) {
        database.createObjectStore("networks", { keyPath: "id", autoIncrement: true });
        const examples = database.createObjectStore("examples", { keyPath: "id", autoIncrement: true });
        examples.createIndex("network", "network");
    }
    if (from < 2) {
        const files = database.createObjectStore("files", { autoIncrement: true });
        moveBundles(transaction.objectStore("networks"), files).catch(() => transaction.abort());
    }
}

/**
 * Version 1 had the bundles in the records of the models.
 *
 * @param {IDBObjectStore} models
 * @param {IDBObjectStore} files
 */
async function moveBundles(models, files) {
    for (const record of await done(models.getAll())) {
        const move = (/** @type {Blob | null} */ bundle) => bundle && done(files.add(bundle));
        const base = await move(record.base);
        // An imported model is its own base.
        const file = record.file === record.base ? base : await move(record.file);
        const earlier = [];
        for (const state of record.earlier) earlier.push({ ...state, file: await move(state.file) });
        await done(models.put({ ...record, base, file, earlier }));
    }
}
