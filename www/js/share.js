/**
 * The dialog to take an answer along: as text, as a link to the page with its settings, or as a picture. Nothing is sent
 * unless the visitor chooses where, in the system's own dialog.
 *
 * @import { Explained } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { element } from "./dom.js";
import { message } from "./errors.js";
import { listed } from "./genres.js";
import { saveFile } from "./save-file.js";
import { link } from "./settings.js";
import { draw } from "./share-card.js";
import { strings } from "./strings/index.js";

const page = {
    dialog: element("share-dialog", HTMLDialogElement),
    picture: element("share-picture", HTMLElement),
    text: element("share-text", HTMLElement),
    note: element("share-note", HTMLElement),
    send: element("share-send", HTMLButtonElement),
    save: element("share-save", HTMLButtonElement),
    copy: element("share-copy", HTMLButtonElement),
    link: element("share-link", HTMLButtonElement),
};

/** Most genres on the picture. */
const MOST_GENRES = 4;

/**
 * @typedef {object} Answer
 * @property {string} name  of the poster's file
 * @property {HTMLImageElement} poster  as the page shows it
 * @property {Explained} result
 * @property {string} [mapped]  the genre whose heatmap is on show
 */

/**
 * Opens the dialog.
 *
 * @param {Answer} answer
 * @param {Settings} settings
 */
export function show({ name, poster, result, mapped }, settings) {
    const title = name.replace(/\.[^.]*$/, "");
    const genres = result.predictions.slice(0, settings.top);
    const text = strings.share.text(title, listed(genres));
    const address = link(settings);
    const canvas = draw(poster, result, result.predictions.slice(0, MOST_GENRES), mapped ?? genres[0]?.genre ?? "");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", strings.share.picture(title));
    page.picture.replaceChildren(canvas);
    page.text.textContent = text;
    page.note.textContent = "";
    page.send.hidden = !navigator.share;
    // Encoded before it is needed: some browsers share and copy only directly after a click.
    /** @type {File | undefined} */
    let file;
    const encoded = toFile(canvas, title).then((picture) => (file = picture));
    encoded.catch(() => {}); // who saves it is told

    page.copy.onclick = () => report(navigator.clipboard.writeText(`${text}\n${address}`), strings.share.copied);
    page.link.onclick = () => report(navigator.clipboard.writeText(address), strings.share.linkCopied);
    page.save.onclick = () => report(encoded.then((picture) => saveFile(picture, picture.name)), strings.share.saved);
    page.send.onclick = () => report(send({ text, url: address }, file), "");
    page.dialog.showModal();
}

/**
 * Opens the system's dialog, with the picture where it takes files.
 *
 * @param {{ text: string, url: string }} data
 * @param {File | undefined} picture  undefined while it is being encoded
 */
async function send(data, picture) {
    const withPicture = picture && { ...data, files: [picture] };
    await navigator.share(withPicture && navigator.canShare?.(withPicture) ? withPicture : data);
}

/** @param {HTMLCanvasElement} canvas @param {string} title @returns {Promise<File>} */
function toFile(canvas, title) {
    return new Promise((resolve, reject) => canvas.toBlob((blob) => {
        if (blob) resolve(new File([blob], `${title}.marquee.png`, { type: "image/png" }));
        else reject(new Error(strings.share.noPicture));
    }, "image/png"));
}

/** @param {Promise<void>} work @param {string} done */
async function report(work, done) {
    try {
        await work;
        page.note.textContent = done;
    } catch (error) {
        // The visitor may close the system's dialog.
        if (!(error instanceof DOMException && error.name === "AbortError")) page.note.textContent = strings.share.failed(message(error));
    }
}
