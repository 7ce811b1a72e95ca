/**
 * Saves a batch's predictions as CSV or JSON.
 *
 * @import { Item } from "./batch.js"
 * @import { Genre } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { saveFile } from "./save-file.js";
import { isLikely } from "./genres.js";

/**
 * Returns one row for each poster that was classified or rejected.
 *
 * @param {Item[]} items
 * @param {Genre[]} genres
 * @param {Settings["thresholds"]} thresholds
 */
function rows(items, genres, thresholds) {
    return items
        .filter(({ state }) => state === "classified" || state === "refused")
        .map(({ name, predictions, actual, reason }) => {
            const byGenre = new Map(predictions.map(({ genre, probability }) => [genre, probability]));
            const probabilities = Object.fromEntries(genres.map(({ name }) => [name, byGenre.get(name)]));
            const likely = genres.filter((genre) => isLikely(genre, byGenre.get(genre.name) ?? 0, thresholds));
            likely.sort((a, b) => (byGenre.get(b.name) ?? 0) - (byGenre.get(a.name) ?? 0));
            const labels = actual && { actual };
            return { file: name, genres: likely.map(({ name }) => name), ...labels, probabilities, error: reason };
        });
}

/**
 * Saves one line a poster: file, likely genres, actual genres where a table has them, error, and the probability of each
 * genre.
 *
 * @param {Parameters<typeof rows>} batch
 */
export function csv(...batch) {
    const names = batch[1].map(({ name }) => name);
    const all = rows(...batch);
    const hasActual = all.some(({ actual }) => actual);
    const lines = all.map(({ file, genres, actual, probabilities, error }) => [
        file,
        genres.join("; "),
        ...(hasActual ? [actual?.join("; ") ?? ""] : []),
        error,
        ...names.map((name) => probabilities[name]?.toFixed(6) ?? ""),
    ]);
    const text = [["file", "genres", ...(hasActual ? ["actual"] : []), "error", ...names], ...lines].map((line) => line.map(quote).join(",")).join("\r\n");
    saveText(text + "\r\n", "marquee.csv", "text/csv");
}

/** @param {Parameters<typeof rows>} batch */
export function json(...batch) {
    saveText(JSON.stringify(rows(...batch), undefined, 2) + "\n", "marquee.json", "application/json");
}

/**
 * Quotes a cell as RFC 4180 requires. An apostrophe keeps spreadsheets from running a cell as a formula.
 *
 * @param {string} cell
 */
function quote(cell) {
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string} text
 * @param {string} name
 * @param {string} type
 */
function saveText(text, name, type) {
    saveFile(new Blob([text], { type }), name);
}
