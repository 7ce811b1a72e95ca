/**
 * Every way in which posters come in: chosen, a folder, dropped, pasted. Each gives files; a picture that lies
 * on another site cannot be read from here, and the visitor hears why.
 */

import { element } from "./dom.js";

const page = {
    file: element("file", HTMLInputElement),
    folder: element("folder", HTMLInputElement),
    teach: element("teach-file", HTMLInputElement),
};

/**
 * @param {(files: File[]) => void} take
 * @param {(message: string) => void} refuse
 */
export function listen(take, refuse) {
    /** @param {File[]} files */
    const offer = (files) => {
        // What systems leave in folders is nobody's poster.
        const wanted = files.filter(({ name }) => !name.startsWith(".") && !/^(thumbs\.db|desktop\.ini)$/i.test(name));
        if (wanted.length) take(wanted);
        else refuse("There was no file in that.");
    };
    for (const input of [page.file, page.folder, page.teach]) {
        input.addEventListener("change", () => {
            if (input.files?.length) offer([...input.files]);
            input.value = ""; // so that the same file can be chosen again
        });
    }

    document.addEventListener("dragover", (event) => {
        event.preventDefault();
        document.body.classList.add("dragging");
    });
    document.addEventListener("dragleave", (event) => {
        if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    document.addEventListener("drop", async (event) => {
        event.preventDefault();
        document.body.classList.remove("dragging");
        if (event.dataTransfer) await receive(event.dataTransfer, "Save the picture first, then drop its file.");
    });
    document.addEventListener("paste", async (event) => {
        if (event.target instanceof HTMLInputElement) return;
        if (event.clipboardData) await receive(event.clipboardData, "Copy the picture itself, then paste it here.");
    });

    /**
     * @param {DataTransfer} data
     * @param {string} advice
     */
    async function receive(data, advice) {
        // Both are gone once this function has paused.
        const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null);
        const files = [...data.files];
        const address = (data.getData("text/uri-list") || data.getData("text/plain")).trim();
        try {
            if (entries.some((entry) => entry?.isDirectory)) {
                offer((await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])))).flat());
            } else if (files.length) offer(files);
            else if (address) offer([await download(address)]);
            else refuse(`That holds no picture. ${advice}`);
        } catch (error) {
            refuse(`${error instanceof Error ? error.message : error} ${advice}`);
        }
    }
}

/**
 * All files below a dropped folder.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesIn(entry) {
    if (entry instanceof FileSystemFileEntry) {
        return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    const files = [];
    for (;;) {
        /** A part of them at a time; none at the end. @type {FileSystemEntry[]} */
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) return files;
        for (const one of some) files.push(...(await filesIn(one)));
    }
}

/**
 * The picture at an address, where the page may read it: on its own site, or written into the address itself.
 *
 * @param {string} address
 */
async function download(address) {
    /** @type {URL} */
    let url;
    try {
        url = new URL(address);
    } catch {
        throw new Error("That is a text and no picture.");
    }
    if (url.protocol !== "data:" && url.origin !== location.origin) {
        throw new Error(`Marquee connects to no other site, so it cannot read the picture on ${url.host || "that page"}.`);
    }
    const response = await fetch(url).catch(() => undefined);
    if (!response?.ok) throw new Error("The picture at that address cannot be read.");
    const name = url.protocol === "data:" ? "pasted picture" : (url.pathname.split("/").at(-1) ?? "picture");
    return new File([await response.blob()], name);
}
