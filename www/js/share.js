/** Shares a poster's genres as text: with the system's dialog where there is one, otherwise through the clipboard. */

import { element } from "./dom.js";
import { message } from "./errors.js";
import { link } from "./settings.js";
import { percent, strings } from "./strings/index.js";

const note = element("share-note", HTMLElement);

/**
 * @param {string} name  of the poster's file
 * @param {import("./messages.js").Prediction[]} genres  the ones to share
 * @param {import("./settings.js").Settings} settings
 */
export async function share(name, genres, settings) {
    const answer = genres.map(({ genre, probability }) => `${genre} ${percent(probability)}`).join(", ");
    const text = strings.poster.shared(name.replace(/\.[^.]*$/, ""), answer);
    const address = link(settings);
    try {
        if (navigator.share) {
            await navigator.share({ text, url: address });
        } else {
            await navigator.clipboard.writeText(`${text}\n${address}`);
            note.textContent = strings.poster.copied;
        }
    } catch (error) {
        // The visitor may close the system's dialog.
        if (!(error instanceof DOMException && error.name === "AbortError")) note.textContent = strings.poster.notShared(message(error));
    }
}
