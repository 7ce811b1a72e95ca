/**
 * The model card: what the model was trained on, how good it is compared with guessing, and what it cannot do.
 * All of it comes from the bundle's manifest.
 *
 * @import { Genre, Manifest } from "./messages.js"
 */

import { genreBars, probabilityPicture, splitBar } from "./card-pictures.js";
import { element, make, table } from "./dom.js";
import { genreName, guessedPrecision, isRare, isWeak, trainingPosters } from "./genres.js";
import { isWorse, metricTable } from "./metric-table.js";
import { number, percent, strings } from "./strings/index.js";

const page = {
    dialog: element("card", HTMLDialogElement),
    body: element("card-body", HTMLElement),
};

/** Opens the dialog. @param {Manifest | undefined} manifest  undefined while the model is loading */
export function show(manifest) {
    if (manifest) fill(manifest);
    if (!page.dialog.open) page.dialog.showModal();
}

/** @param {Manifest} manifest */
function fill({ architecture, input, genres, metrics, additional_metrics: additional = [], training, weights }) {
    const heldOut = training.test_posters || training.valid_posters;
    const worse = metrics.filter(isWorse).length;
    const text = [
        strings.card.summary({ name: architecture.name, width: input.width, height: input.height, genres: genres.length, bytes: weights.bytes }),
        strings.card.training({ posters: training.train_posters + (training.additional_posters ?? 0), minutes: training.minutes, device: training.device, heldOut, data: training.data }),
    ];
    page.body.replaceChildren(
        make("p", null, text.join(" ")),
        ...(worse ? [make("p", { className: "warning" }, strings.card.worse(worse, metrics.length))] : []),
        ...(genres.some(({ quality }) => quality) ? [make("h3", null, strings.card.goodAt), ...genreBars(genres, heldOut)] : []),
        make("h3", null, strings.card.howToRead),
        probabilityPicture(),
        make("h3", null, strings.card.quality),
        ...(training.test_posters ? [make("p", { className: "note" }, strings.card.testedOn)] : []),
        ...splitBar(training),
        metricTable(training.test_posters ? strings.card.test : strings.card.validation, metrics),
        ...(training.test_posters || !metrics.length ? [] : [make("p", { className: "warning" }, strings.card.validationOnly)]),
        ...(additional.length
            ? [make("p", { className: "note" }, strings.card.otherSources(training.additional_test_posters ?? 0)), metricTable(strings.card.additionalTest, additional)]
            : []),
        make("p", { className: "note" }, strings.card.baseline),
        make("h3", null, strings.card.limits),
        make("ul", null, ...limits(genres, heldOut).map((limit) => make("li", null, limit))),
        make("details", null, make("summary", null, strings.card.byGenre), genreTable(genres, heldOut)),
        make("p", { className: "note", lang: "en", dir: "ltr" }, `${training.licence}.`),
    );
}

/**
 * @param {Genre[]} genres
 * @param {number} heldOut  posters that the model was evaluated on
 */
function limits(genres, heldOut) {
    const names = (/** @type {(genre: Genre) => boolean} */ condition) => genres.filter(condition).map(({ name }) => genreName(name));
    const rare = names(isRare);
    const weak = names((genre) => isWeak(genre, heldOut));
    return [
        strings.card.posterOnly,
        ...(rare.length ? [strings.card.rare(rare)] : []),
        ...(weak.length ? [strings.card.weak(weak)] : []),
    ];
}

/**
 * @param {Genre[]} genres
 * @param {number} heldOut
 */
function genreTable(genres, heldOut) {
    const head = [
        strings.card.genre,
        strings.card.trainingPosters,
        strings.card.heldOutPosters,
        strings.card.averagePrecision,
        strings.card.guessing,
        strings.card.threshold,
    ];
    const none = strings.metrics.none;
    const rows = genres.toSorted((a, b) => trainingPosters(b) - trainingPosters(a)).map((genre) => ({
        className: isRare(genre) ? "rare" : "",
        cells: [
            genreName(genre.name),
            number(trainingPosters(genre)),
            genre.quality ? number(genre.quality.positives) : none,
            typeof genre.quality?.average_precision === "number" ? number(genre.quality.average_precision, 2) : none,
            genre.quality ? number(guessedPrecision(genre, heldOut), 2) : none,
            percent(genre.threshold),
        ],
    }));
    return table(strings.card.genres, head, rows);
}
