/**
 * A batch's answers as files.
 *
 * @import { Item } from "./batch.js"
 * @import { Genre } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { make } from "./dom.js";
import { isLikely } from "./settings.js";

/**
 * @param {Item[]} items
 * @param {Genre[]} genres
 * @param {Settings["thresholds"]} thresholds
 */
function rows(items, genres, thresholds) {
    return items
        .filter(({ state }) => state === "answered" || state === "refused")
        .map(({ name, predictions, reason }) => {
            const found = new Map(predictions.map(({ genre, probability }) => [genre, probability]));
            const probabilities = Object.fromEntries(genres.map(({ name }) => [name, found.get(name)]));
            const likely = genres.filter((genre) => isLikely(genre, found.get(genre.name) ?? 0, thresholds));
            likely.sort((a, b) => (found.get(b.name) ?? 0) - (found.get(a.name) ?? 0));
            return { file: name, genres: likely.map(({ name }) => name), probabilities, error: reason };
        });
}

/**
 * One row a poster: its genres, and every probability.
 *
 * @param {Parameters<typeof rows>} answers
 */
export function csv(...answers) {
    const names = answers[1].map(({ name }) => name);
    const lines = rows(...answers).map(({ file, genres, probabilities, error }) => [
        file,
        genres.join("; "),
        error,
        ...names.map((name) => probabilities[name]?.toFixed(6) ?? ""),
    ]);
    const text = [["file", "genres", "error", ...names], ...lines].map((line) => line.map(quoted).join(",")).join("\r\n");
    save(text + "\r\n", "marquee.csv", "text/csv");
}

/** @param {Parameters<typeof rows>} answers */
export function json(...answers) {
    save(JSON.stringify(rows(...answers), undefined, 2) + "\n", "marquee.json", "application/json");
}

/**
 * As RFC 4180 has it. A cell that a spreadsheet would take for a formula is kept a text.
 *
 * @param {string} cell
 */
function quoted(cell) {
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string} text
 * @param {string} name
 * @param {string} type
 */
function save(text, name, type) {
    const href = URL.createObjectURL(new Blob([text], { type }));
    make("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
