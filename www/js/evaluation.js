/**
 * How good the answers to a batch are, where the visitor brought the true genres: a CSV in the Kaggle layout.
 *
 * @import { Batch } from "./batch.js"
 * @import { Client } from "./client.js"
 * @import { Genre, LabelledAnswer, Labels } from "./messages.js"
 */

import { metricTable } from "./metric-table.js";
import { element, make, table } from "./dom.js";

const box = element("evaluation", HTMLElement);

export function hide() {
    box.hidden = true;
    box.replaceChildren();
}

/** @param {string} message */
export function showError(message) {
    box.hidden = false;
    box.replaceChildren(make("p", { className: "error", role: "alert" }, message));
}

/**
 * Compares a batch's answers with the table's rows of the same name, and shows the figures.
 *
 * @param {Client} client
 * @param {Batch} batch
 * @param {File} csv
 * @param {Genre[]} genres
 */
export async function evaluate(client, batch, csv, genres) {
    try {
        const labels = await client.request("readLabels", await csv.text());
        const answers = labelled(batch, labels, genres);
        if (!answers.length) throw new Error("none of its ids is the name of one of these posters");
        const { posters, metrics, genres: byGenre } = await client.request("evaluate", answers);
        const perGenre = byGenre
            .filter(({ positives, predicted }) => positives || predicted)
            .toSorted((a, b) => b.positives - a.positives)
            .map(({ genre, positives, predicted, average_precision, precision, recall, f1 }) => ({
                cells: [genre, String(positives), String(predicted), ...[average_precision, precision, recall, f1].map((figure) => figure.toFixed(2))],
            }));
        box.hidden = false;
        box.replaceChildren(
            make("h3", null, `Beside the true genres of ${posters} posters in ${csv.name}`),
            metricTable("On these posters", metrics),
            make(
                "details",
                null,
                make("summary", null, "Genre by genre"),
                table("Genres of these posters", ["Genre", "have it", "said to", "average precision", "precision", "recall", "F1"], perGenre),
            ),
        );
    } catch (error) {
        showError(`${csv.name}: ${error instanceof Error ? error.message : error}`);
    }
}

/**
 * @param {Batch} batch
 * @param {Labels} labels
 * @param {Genre[]} genres
 * @returns {LabelledAnswer[]}
 */
function labelled(batch, labels, genres) {
    const columns = genres.map(({ name }) => labels.genres.indexOf(name));
    const missing = genres.filter((_, index) => columns[index] === -1).map(({ name }) => name);
    if (missing.length) throw new Error(`it has no column for ${missing.join(", ")}, which the network tells`);
    const rows = new Map(labels.rows.map((row) => [row.id, row.labels]));
    return batch.items.flatMap(({ state, name, predictions }) => {
        const id = name.split("/").at(-1)?.replace(/\.[^.]*$/, "") ?? "";
        const row = rows.get(id);
        if (state !== "classified" || !row) return [];
        const probabilities = new Map(predictions.map(({ genre, probability }) => [genre, probability]));
        return [{
            probabilities: genres.map(({ name }) => probabilities.get(name) ?? 0),
            labels: columns.map((column) => row[column] ?? false),
        }];
    });
}
