/**
 * Evaluates a batch's predictions against the true genres in a CSV: a column Id and a 0/1 column for each genre.
 *
 * @import { Batch, Item } from "./batch.js"
 * @import { Evaluation, Genre, LabelledPrediction, Labels } from "./messages.js"
 * @import { Session } from "./session.js"
 */

import { element, make, table } from "./dom.js";
import { message } from "./errors.js";
import * as gallery from "./gallery.js";
import { genreName } from "./genres.js";
import { metricTable } from "./metric-table.js";
import { number, strings } from "./strings/index.js";

const box = element("evaluation", HTMLElement);

/** @param {string} message */
export function showError(message) {
    box.hidden = false;
    box.replaceChildren(make("p", { className: "error", role: "alert" }, message));
}

/**
 * Evaluates the posters whose file name is an id in the CSV, and shows the metrics.
 *
 * @param {Session} session
 * @param {Batch} batch
 * @param {File} csv
 * @param {Genre[]} genres
 */
export async function evaluate(session, batch, csv, genres) {
    try {
        const labels = await session.readLabels(await csv.text());
        const predictions = withLabels(batch, labels, genres);
        if (!predictions.length) throw new Error(strings.evaluation.noMatch);
        const evaluation = await session.evaluate(predictions);
        gallery.refresh(); // the tiles show the actual genres, too
        box.hidden = false;
        box.replaceChildren(
            make("h3", null, strings.evaluation.heading(csv.name, evaluation.posters)),
            metricTable(strings.evaluation.posters, evaluation.metrics),
            make("details", null, make("summary", null, strings.card.byGenre), genreTable(evaluation, batch.items, genres)),
        );
    } catch (error) {
        showError(`${csv.name}: ${message(error)}`);
    }
}

/**
 * @param {Evaluation} evaluation
 * @param {Item[]} items
 * @param {Genre[]} known
 */
function genreTable({ genres }, items, known) {
    const evaluated = items.filter(({ state, actual }) => state === "classified" && actual);
    const head = [
        strings.card.genre,
        strings.evaluation.actual,
        strings.evaluation.predicted,
        strings.evaluation.missed,
        strings.evaluation.wrong,
        strings.card.averagePrecision,
        strings.evaluation.precision,
        strings.evaluation.recall,
        strings.evaluation.f1,
    ];
    const rows = genres
        .filter(({ positives, predicted }) => positives || predicted)
        .toSorted((a, b) => b.positives - a.positives)
        .map(({ genre, positives, predicted, average_precision, precision, recall, f1 }) => ({
            cells: [genreName(genre), number(positives), number(predicted), ...mistakes(genre, evaluated, known), ...[average_precision, precision, recall, f1].map((metric) => number(metric, 2))],
        }));
    return table(strings.evaluation.genres, head, rows);
}

/**
 * Returns the numbers of posters that have a genre but were predicted without it, and the other way round, as buttons that
 * show them.
 *
 * @param {string} genre
 * @param {Item[]} items
 * @param {Genre[]} known
 */
function mistakes(genre, items, known) {
    const threshold = known.find(({ name }) => name === genre)?.threshold ?? 1;
    const has = (/** @type {Item} */ { actual }) => actual?.includes(genre) ?? false;
    const isPredicted = (/** @type {Item} */ { predictions }) => (predictions.find((other) => other.genre === genre)?.probability ?? 0) >= threshold;
    const missed = items.filter((item) => has(item) && !isPredicted(item));
    const wrong = items.filter((item) => !has(item) && isPredicted(item));
    const name = genreName(genre);
    return [
        count(missed, strings.evaluation.showMissed(name, missed.length), strings.evaluation.missedPosters(name)),
        count(wrong, strings.evaluation.showWrong(name, wrong.length), strings.evaluation.wrongPosters(name)),
    ];
}

/**
 * @param {Item[]} items
 * @param {string} label  of the button
 * @param {string} text  what the posters have in common
 */
function count(items, label, text) {
    if (!items.length) return number(0);
    const button = make("button", { type: "button", className: "count", ariaLabel: label, title: label }, number(items.length));
    button.addEventListener("click", () => gallery.showOnly(items, text));
    return button;
}

/**
 * Joins the predictions of a batch with the labels of the same posters.
 *
 * @param {Batch} batch
 * @param {Labels} labels
 * @param {Genre[]} genres
 * @returns {LabelledPrediction[]}
 */
function withLabels(batch, labels, genres) {
    const columns = genres.map(({ name }) => labels.genres.indexOf(name));
    const missing = genres.filter((_, index) => columns[index] === -1).map(({ name }) => name);
    if (missing.length) throw new Error(strings.evaluation.noColumn(missing));
    const rows = new Map(labels.rows.map((row) => [row.id, row.labels]));
    return batch.items.flatMap((item) => {
        const { state, name, predictions } = item;
        const id = name.split("/").at(-1)?.replace(/\.[^.]*$/, "") ?? "";
        const row = rows.get(id);
        item.actual = row && labels.genres.filter((_, column) => row[column]);
        if (state !== "classified" || !row) return [];
        const probabilities = new Map(predictions.map(({ genre, probability }) => [genre, probability]));
        return [{
            probabilities: genres.map(({ name }) => probabilities.get(name) ?? 0),
            labels: columns.map((column) => row[column]),
        }];
    });
}
