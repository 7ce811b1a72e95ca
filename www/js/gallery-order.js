/**
 * Which posters of a batch the gallery shows, and in which order.
 *
 * @import { Item } from "./batch.js"
 * @import { Genre, Prediction } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { isLikely } from "./genres.js";

/**
 * @typedef {object} Filter
 * @property {Genre | undefined} genre  shows only posters that have it; undefined shows all
 * @property {number} minimum  the genre's least probability; 0 is the default, which is the genre's threshold
 * @property {string} order  "given", "name", "genre" (most probable first) or "unsure" (least certain first)
 * @property {Settings["thresholds"]} marking
 */

/**
 * Returns the posters that pass the filter, in its order.
 *
 * @param {Item[]} items
 * @param {Filter} filter
 */
export function arranged(items, { genre, minimum, order, marking }) {
    /** The probability of the chosen genre, or else of the most probable one. */
    const probability = (/** @type {Item} */ { predictions }) => {
        const prediction = genre ? predictions.find((prediction) => prediction.genre === genre.name) : predictions[0];
        return prediction?.probability ?? 0;
    };
    const passes = (/** @type {Item} */ item) => {
        if (!genre) return true;
        return minimum === 0 ? isLikely(genre, probability(item), marking) : probability(item) >= minimum;
    };
    /** @type {Record<string, (a: Item, b: Item) => number>} */
    const comparisons = {
        given: (a, b) => a.index - b.index,
        name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
        genre: (a, b) => probability(b) - probability(a),
        unsure: (a, b) => uncertainty(b.predictions) - uncertainty(a.predictions),
    };
    return items.filter(passes).sort(comparisons[order] ?? comparisons.given);
}

/** Returns the mean entropy of the genres' probabilities, in bits. @param {Prediction[]} predictions */
function uncertainty(predictions) {
    const entropy = (/** @type {number} */ p) => (p <= 0 || p >= 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p));
    return predictions.reduce((sum, { probability }) => sum + entropy(probability), 0) / predictions.length;
}
