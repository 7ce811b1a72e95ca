/**
 * Takes in files: chosen, dropped with or without folders, or pasted. An image on another site cannot be read;
 * the visitor is told what to do instead.
 */

import { element } from "./dom.js";
import { message } from "./errors.js";
import { strings } from "./strings/index.js";
import { current } from "./views.js";

const page = {
    file: element("file", HTMLInputElement),
    folder: element("folder", HTMLInputElement),
    teach: element("teach-file", HTMLInputElement),
    overlay: element("overlay", HTMLElement),
    overlayText: element("overlay-text", HTMLElement),
};

/** Files that operating systems leave in folders. */
const SYSTEM_FILE = /^(\.|(thumbs\.db|desktop\.ini)$)/i;

/**
 * @param {(files: File[]) => void} onFiles
 * @param {(message: string) => void} onError  called with a message for the visitor
 */
export function listen(onFiles, onError) {
    const offer = (/** @type {File[]} */ files) => {
        const wanted = files.filter(({ name }) => !SYSTEM_FILE.test(name));
        if (wanted.length) onFiles(wanted);
        else onError(strings.intake.noFiles);
    };
    /**
     * @param {DataTransfer} data
     * @param {string} advice
     */
    const receive = async (data, advice) => {
        try {
            const files = await filesOf(data);
            if (files) offer(files);
            else onError(`${strings.intake.noImage} ${advice}`);
        } catch (error) {
            onError(`${message(error)} ${advice}`);
        }
    };

    for (const input of [page.file, page.folder, page.teach]) {
        input.addEventListener("change", () => {
            if (input.files?.length) offer([...input.files]);
            input.value = ""; // so that the same file can be chosen again
        });
    }
    // If the element under the pointer changes, browsers drop only where this event was accepted.
    document.addEventListener("dragenter", (event) => event.preventDefault());
    document.addEventListener("dragover", (event) => {
        event.preventDefault();
        showOverlay();
    });
    document.addEventListener("dragleave", (event) => {
        if (!event.relatedTarget) page.overlay.hidden = true; // it left the window
    });
    document.addEventListener("drop", async (event) => {
        event.preventDefault();
        page.overlay.hidden = true;
        if (event.dataTransfer) await receive(event.dataTransfer, strings.intake.dropAdvice);
    });
    document.addEventListener("paste", async (event) => {
        if (event.target instanceof HTMLInputElement) return;
        if (event.clipboardData) await receive(event.clipboardData, strings.intake.pasteAdvice);
    });
}

/** Takes files that the system opens with the installed page. @param {(files: File[]) => void} onFiles */
export function listenToLaunches(onFiles) {
    /** @type {{ setConsumer: (consumer: (launch: { files: FileSystemFileHandle[] }) => void) => void } | undefined} */
    const queue = Reflect.get(window, "launchQueue");
    queue?.setConsumer(async ({ files }) => {
        if (files.length) onFiles(await Promise.all(files.map((handle) => handle.getFile())));
    });
}

/** Covers the window while something is dragged over it: it may be dropped anywhere. */
function showOverlay() {
    if (!page.overlay.hidden) return;
    page.overlayText.textContent = current().name === "teach" ? strings.drop.toTeach : strings.drop.anywhere;
    page.overlay.hidden = false;
}

/**
 * Returns the files in a drop or a paste, or undefined if it holds neither files nor an address.
 *
 * @param {DataTransfer} data
 * @returns {Promise<File[] | undefined>}
 */
async function filesOf(data) {
    // The browser empties `data` once this function has awaited something, so all of it is read first.
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null);
    const files = [...data.files];
    const address = (data.getData("text/uri-list") || data.getData("text/plain")).trim();
    if (entries.some((entry) => entry?.isDirectory)) {
        return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])))).flat();
    }
    if (files.length) return files;
    return address ? [await download(address)] : undefined;
}

/**
 * Returns all files in a dropped folder and its subfolders.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesIn(entry) {
    if (entry.isFile) {
        const file = /** @type {FileSystemFileEntry} */ (entry); // Chromium has no global of this name
        return [await new Promise((resolve, reject) => file.file(resolve, reject))];
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    const files = [];
    for (;;) {
        /** `readEntries` returns a part at a time, and nothing at the end. @type {FileSystemEntry[]} */
        const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!children.length) return files;
        for (const child of children) files.push(...(await filesIn(child)));
    }
}

/**
 * Downloads an image from the page's own site or from a `data:` address.
 *
 * @param {string} address
 */
async function download(address) {
    /** @type {URL} */
    let url;
    try {
        url = new URL(address);
    } catch {
        throw new Error(strings.intake.onlyText);
    }
    if (url.protocol !== "data:" && url.origin !== location.origin) {
        throw new Error(strings.intake.otherSite(url.host || strings.intake.otherPage));
    }
    const response = await fetch(url).catch(() => undefined);
    if (!response?.ok) throw new Error(strings.intake.unreadable);
    const name = url.protocol === "data:" ? strings.intake.pastedName : (url.pathname.split("/").at(-1) ?? "");
    return new File([await response.blob()], name);
}
