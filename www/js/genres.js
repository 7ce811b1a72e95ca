/**
 * Single genres: their names, whether a poster has one, and whether the model learned it well enough.
 *
 * @import { Genre } from "./messages.js"
 * @import { Settings } from "./settings.js"
 */

import { percent, strings } from "./strings/index.js";

/** Cost of a false genre relative to a missed one, by marking. */
const FALSE_GENRE_COST = { balanced: 1, precise: 2, thorough: 0.5 };

/** A genre with fewer training posters than this is rare: the model hardly learned it. */
const RARE_BELOW = 60;

/** A genre is weak if its average precision covers less than this share of the way from guessing to 1. */
const WEAK_BELOW = 0.1;

/**
 * Returns a genre's name in the page's language. Files, tables and models have the English names; genres of the visitor's
 * own have one name only.
 *
 * @param {string} genre
 */
export function genreName(genre) {
    return Object.hasOwn(strings.genres, genre) ? strings.genres[/** @type {keyof typeof strings.genres} */ (genre)] : genre;
}

/** Lists genres with their probabilities: "Horror 71%, Thriller 48%". @param {{ genre: string, probability: number }[]} predictions */
export function listed(predictions) {
    return strings.page.list(predictions.map(({ genre, probability }) => `${genreName(genre)} ${percent(probability)}`));
}

/**
 * Returns whether a poster counts as having a genre. Probabilities are calibrated, so a false genre that costs twice
 * as much needs twice the odds.
 *
 * @param {Genre} genre
 * @param {number} probability
 * @param {Settings["thresholds"]} marking
 */
export function isLikely(genre, probability, marking) {
    // Without the round trip through odds, which would round the threshold.
    if (marking === "balanced") return probability >= genre.threshold;
    const odds = (FALSE_GENRE_COST[marking] * genre.threshold) / (1 - genre.threshold);
    return probability >= odds / (1 + odds);
}

/** @param {Genre} genre */
export function isRare(genre) {
    return trainingPosters(genre) < RARE_BELOW;
}

/** Returns the number of all posters from which the model learned a genre. @param {Genre} genre */
export function trainingPosters({ posters, additional_posters = 0 }) {
    return posters + additional_posters;
}

/**
 * Returns whether the model predicts a genre hardly better than guessing. Rare genres are not counted: too few
 * held-out posters have them.
 *
 * @param {Genre} genre
 * @param {number} heldOut  posters that the model was evaluated on
 */
export function isWeak(genre, heldOut) {
    const guessing = guessedPrecision(genre, heldOut);
    const limit = guessing + WEAK_BELOW * (1 - guessing);
    return !isRare(genre) && (genre.quality?.average_precision ?? Infinity) < limit;
}

/**
 * Returns the average precision of guessing: the genre's share of the held-out posters.
 *
 * @param {Genre} genre
 * @param {number} heldOut
 */
export function guessedPrecision({ quality }, heldOut) {
    return quality ? quality.positives / heldOut : 0;
}
