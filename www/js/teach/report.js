/**
 * The results of a fine-tuning: held-out metrics before and after, beside guessing.
 *
 * @import { FineTuneReport } from "../messages.js"
 */

import { element, make, table } from "../dom.js";
import { genreName } from "../genres.js";
import { number, strings } from "../strings/index.js";
import * as state from "./state.js";

const box = element("teach-result", HTMLElement);

/** A smaller change of the average precision does not count. */
const SAME = 0.01;

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
        make("p", { className: "verdict" }, verdict(report).join(" ")),
        make("p", { className: improved ? "note" : "warning" }, improved ? summary : `${summary} ${strings.report.notImproved}`),
        genreTable(report),
    );
}

/** Says in a sentence for each outcome which genres got better. @param {FineTuneReport} report */
function verdict({ genres }) {
    /** @type {Record<"learned" | "better" | "same" | "worse" | "unclear", string[]>} */
    const outcomes = { learned: [], better: [], same: [], worse: [], unclear: [] };
    const renamed = new Map(state.current()?.renamed);
    for (const { genre, averagePrecision, enough } of genres) {
        const name = genreName(renamed.get(genre) ?? genre);
        const { before, after, guessing } = averagePrecision;
        const from = before ?? guessing;
        if (!enough) outcomes.unclear.push(name);
        else if (after - from > SAME && isUnknown(before)) outcomes.learned.push(strings.report.learnedGenre(name, metric(guessing), metric(after)));
        else if (after - from > SAME) outcomes.better.push(strings.report.changedGenre(name, metric(from), metric(after)));
        else if (from - after > SAME) outcomes.worse.push(strings.report.changedGenre(name, metric(from), metric(after)));
        else outcomes.same.push(name);
    }
    const { learned, better, same, worse, unclear } = outcomes;
    return [
        learned.length ? strings.report.learned(learned) : "",
        better.length ? strings.report.better(better) : "",
        worse.length ? strings.report.worse(worse) : "",
        same.length ? strings.report.same(same) : "",
        unclear.length ? strings.report.unclear(unclear) : "",
    ].filter(Boolean);
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
                genreName(renamed.get(genre) ?? genre),
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
    return isUnknown(value) ? undefined : metric(value);
}

/** @param {number | null | undefined} value @returns {value is null | undefined} */
function isUnknown(value) {
    return value === null || value === undefined;
}
