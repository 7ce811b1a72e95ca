/** Predictions of the native trainer with a given bundle. */

import { execFileSync } from "node:child_process";

import { trainer } from "./harness.mjs";

/**
 * Returns the probability of every genre.
 *
 * @param {string} bundle  path of a folder or a file
 * @param {string} image  path
 */
export function predictWith(bundle, image) {
    const output = execFileSync(trainer, ["predict", "--json", "--top", "1000", "--bundle", bundle, image], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    /** @type {{ genre: string, probability: number }[]} */
    const genres = JSON.parse(output)[0].genres;
    return new Map(genres.map(({ genre, probability }) => [genre, probability]));
}
