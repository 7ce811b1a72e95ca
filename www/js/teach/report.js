/**
 * The results of a fine-tuning: held-out metrics before and after, beside guessing.
 *
 * @import { FineTuneReport } from "../messages.js"
 */

import { element, make, table } from "../dom.js";
import { number, strings } from "../strings/index.js";
import * as state from "./state.js";

const box = element("teach-result", HTMLElement);

state.listen({ onChange: () => show(state.current()?.judgement ?? null) });

/**
 * @param {FineTuneReport | null} report  null shows nothing
 * @param {string} [heading]
 */
export function show(report, heading = strings.report.heading) {
    if (!report || !report.genres.length) {
        box.replaceChildren();
        return;
    }
    const { crossEntropy, posters } = report;
    const improved = crossEntropy.after < Math.min(crossEntropy.guessing, crossEntropy.before ?? Infinity);
    const summary = strings.report.error({
        posters,
        after: metric(crossEntropy.after),
        guessing: metric(crossEntropy.guessing),
        before: metricIfKnown(crossEntropy.before),
    });
    box.replaceChildren(
        make("h3", null, heading),
        make("p", { className: improved ? "" : "warning" }, improved ? summary : `${summary} ${strings.report.notImproved}`),
        genreTable(report),
    );
}

/** @param {FineTuneReport} report */
function genreTable({ genres }) {
    const renamed = new Map(state.current()?.renamed);
    const head = [strings.report.genre, strings.report.counts, strings.report.guessing, strings.report.before, strings.report.after, ""];
    return table(
        strings.report.genres,
        head,
        genres.map(({ genre, positives, negatives, averagePrecision, enough }) => ({
            className: enough ? "" : "rare",
            cells: [
                renamed.get(genre) ?? genre,
                `${number(positives)} / ${number(negatives)}`,
                metric(averagePrecision.guessing),
                metricIfKnown(averagePrecision.before) ?? strings.metrics.none,
                metric(averagePrecision.after),
                enough ? "" : strings.report.tooFew,
            ],
        })),
    );
}

/** @param {number} value */
function metric(value) {
    return number(value, 2);
}

/** A new genre has no metrics from before. @param {number | null | undefined} value */
function metricIfKnown(value) {
    return value === null || value === undefined ? undefined : metric(value);
}
