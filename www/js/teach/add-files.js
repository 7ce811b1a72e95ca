/**
 * Adds dropped posters to the Teach view, and ticks the genres that a CSV lists for them.
 *
 * @import { Session } from "../session.js"
 */

import { message } from "../errors.js";
import { strings } from "../strings/index.js";
import * as teach from "./view.js";

/**
 * @param {Session} session
 * @param {File[]} posters  may be empty: the table is then for the posters in the view
 * @param {File | undefined} table  a CSV with the posters' genres
 */
export async function addFiles(session, posters, table) {
    try {
        const labels = table && (await session.readLabels(await table.text()));
        const rows = new Map(labels?.rows.map(({ id, labels }) => [id, labels]));
        const genresOf = (/** @type {string} */ name) => {
            const row = rows.get(name.replace(/\.[^.]*$/, ""));
            return row && labels?.genres.filter((_, index) => row[index]);
        };
        const names = posters.length ? posters.map(({ name }) => name) : teach.posterNames();
        const genres = [...new Set(names.flatMap((name) => genresOf(name) ?? []))];
        if (labels && !genres.length) throw new Error(strings.evaluation.noMatch);
        if (posters.length) await teach.addPosters(posters, labels && { genres, genresOf });
        else await teach.applyLabels({ genres, genresOf });
    } catch (error) {
        teach.showError(table ? `${table.name}: ${message(error)}` : message(error));
    }
}
