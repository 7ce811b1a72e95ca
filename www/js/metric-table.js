/**
 * A table of metrics beside their baselines.
 *
 * @import { Metric } from "./messages.js"
 */

import { table } from "./dom.js";
import { number, strings } from "./strings/index.js";

/**
 * @param {string} title  names the evaluated posters
 * @param {Metric[]} metrics
 */
export function metricTable(title, metrics) {
    return table(
        title,
        [title, strings.metrics.model, strings.metrics.guessing],
        metrics.map((metric) => ({
            className: isWorse(metric) ? "worse" : "",
            cells: [
                metric.higher_is_better ? metricName(metric.name) : strings.metrics.lowerIsBetter(metricName(metric.name)),
                // A mean over genres is not a number if no genre has enough posters.
                metric.value !== null && Number.isFinite(metric.value) ? number(metric.value, 3) : strings.metrics.none,
                metric.baseline === null || metric.baseline === undefined ? strings.metrics.none : number(metric.baseline, 3),
            ],
        })),
    );
}

/**
 * Returns a metric's name in the page's language. Manifests have the English one, with the number of genres that it is a
 * mean of: "AUROC, 21 genres".
 *
 * @param {string} metric
 */
function metricName(metric) {
    const [, base = metric, all, genres] = /^(.+), (all )?(\d+) genres$/.exec(metric) ?? [];
    const name = Object.hasOwn(strings.metricNames, base) ? strings.metricNames[/** @type {keyof typeof strings.metricNames} */ (base)] : base;
    if (genres === undefined) return name;
    return (all ? strings.metrics.overAllGenres : strings.metrics.overGenres)(name, Number(genres));
}

/** Returns whether the model is worse than guessing. @param {Metric} metric */
export function isWorse({ value, baseline, higher_is_better }) {
    if (value === null || baseline === null || baseline === undefined) return false;
    return higher_is_better ? value < baseline : value > baseline;
}
