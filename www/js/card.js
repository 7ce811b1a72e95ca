/**
 * The model card, all of it from the bundle: what the network was trained on, how good it is beside guessing,
 * and what it cannot do.
 *
 * @import { Genre, Manifest, Metric } from "./messages.js"
 */

import { element, make, percent, table } from "./dom.js";

const page = {
    dialog: element("card", HTMLDialogElement),
    open: element("open-card", HTMLButtonElement),
    body: element("card-body", HTMLElement),
};

page.open.addEventListener("click", () => page.dialog.showModal());

/** Training posters below which a genre is hardly learnt. */
const RARE = 60;

/** Share of the way from guessing's average precision to 1 below which a genre is hardly told. */
const HARDLY = 0.1;

/** @param {Genre} genre */
export function isRare(genre) {
    return genre.posters < RARE;
}

/** @param {Manifest} manifest */
export function show({ architecture, input, genres, metrics, training, weights }) {
    const judged = training.test_posters || training.valid_posters;
    const worse = metrics.filter(isWorse).length;
    const rare = genres.filter(isRare);
    const guess = (/** @type {Genre} */ { quality }) => (quality ? quality.positives / judged : 0);
    const weak = genres.filter(
        (genre) => !isRare(genre) && genre.quality && genre.quality.average_precision < guess(genre) + HARDLY * (1 - guess(genre)),
    );
    const names = (/** @type {Genre[]} */ some) => some.map(({ name }) => name).join(", ");
    page.body.replaceChildren(
        make(
            "p",
            null,
            `${architecture.name}, ${input.width} × ${input.height} pixels, ${genres.length} genres, ${(weights.bytes / 1e6).toFixed(1)} MB of weights. ` +
                `Trained on ${training.train_posters} posters in ${Math.round(training.minutes)} minutes on ${training.device}, ` +
                `judged on ${judged} others that it never saw (${training.data}).`,
        ),
        ...(worse ? [make("p", { className: "warning" }, `It is worse than guessing on ${worse} of ${metrics.length} figures: take its answers as a demonstration.`)] : []),
        make("h3", null, "How good it is"),
        figures("On posters never trained on", metrics),
        make("p", { className: "note" }, "Guessing is the better of always answering each genre’s frequency and always naming the two most frequent genres."),
        make("h3", null, "What it cannot do"),
        make(
            "ul",
            null,
            make("li", null, "It sees the poster and nothing else: not the title’s meaning, the actors, or the film."),
            make("li", null, "A probability of 60 % means that of ten posters like it about six have the genre. It is no verdict on the film."),
            ...(rare.length ? [make("li", null, `Too few posters to learn from: ${names(rare)}.`)] : []),
            ...(weak.length ? [make("li", null, `Hardly better than guessing: ${names(weak)}.`)] : []),
        ),
        make("h3", null, "Genre by genre"),
        table(
            "Genres",
            ["Genre", "posters learnt from", "posters judged", "average precision", "guessing", "threshold"],
            genres
                .toSorted((a, b) => b.posters - a.posters)
                .map((genre) => ({
                    className: isRare(genre) ? "rare" : "",
                    cells: [
                        genre.name,
                        String(genre.posters),
                        genre.quality ? String(genre.quality.positives) : "–",
                        genre.quality ? genre.quality.average_precision.toFixed(2) : "–",
                        genre.quality ? guess(genre).toFixed(2) : "–",
                        percent(genre.threshold),
                    ],
                })),
        ),
        make("p", { className: "note" }, `${training.licence}.`),
    );
}

/**
 * Figures of quality beside what guessing scores.
 *
 * @param {string} posters  which ones it was judged on
 * @param {Metric[]} metrics
 */
export function figures(posters, metrics) {
    return table(
        posters,
        [posters, "Network", "Guessing"],
        metrics.map((metric) => ({
            className: isWorse(metric) ? "worse" : "",
            cells: [
                metric.higher_is_better ? metric.name : `${metric.name} (lower is better)`,
                Number.isFinite(metric.value) ? metric.value.toFixed(3) : "–", // no genre has enough posters
                metric.baseline?.toFixed(3) ?? "–",
            ],
        })),
    );
}

/** @param {Metric} metric */
function isWorse({ value, baseline, higher_is_better }) {
    if (baseline === null || baseline === undefined) return false;
    return higher_is_better ? value < baseline : value > baseline;
}
