/**
 * The pictures of the model card: how good the model is at each genre, what its posters were used for, and what a
 * probability means.
 *
 * @import { Genre, Manifest } from "./messages.js"
 */

import { make } from "./dom.js";
import { genreName, guessedPrecision, isRare, isWeak, trainingPosters } from "./genres.js";
import { number, percent, strings } from "./strings/index.js";

/** The share that the picture of probabilities explains, and the posters in it. */
const SHARE = 0.6;
const POSTERS = 10;

/**
 * A bar for each genre: how well the model finds it, with a mark at guessing, and the number of its training posters.
 *
 * @param {Genre[]} genres
 * @param {number} heldOut  posters that the model was evaluated on
 */
export function genreBars(genres, heldOut) {
    const precision = (/** @type {Genre} */ { quality }) => quality?.average_precision ?? 0;
    const rows = genres.toSorted((a, b) => Number(isRare(a)) - Number(isRare(b)) || precision(b) - precision(a)).map((genre) => {
        const kind = isRare(genre) ? "rare" : isWeak(genre, heldOut) ? "weak" : "good";
        const guessing = guessedPrecision(genre, heldOut);
        const [bar, mark] = [make("span", { className: "filled" }), make("span", { className: "mark" })];
        bar.style.width = percentage(precision(genre));
        mark.style.insetInlineStart = percentage(guessing);
        const verdict = strings.card[kind === "rare" ? "verdictRare" : kind === "weak" ? "verdictWeak" : "verdictGood"];
        const row = make("li", { className: kind, title: strings.card.genreBar(genreName(genre.name), precision(genre), guessing, trainingPosters(genre), verdict) },
            make("span", { className: "name" }, genreName(genre.name)),
            make("span", { className: "posters" }, number(trainingPosters(genre))),
            make("span", { className: "bar" }, bar, mark),
        );
        // The row's text would not say what the bar shows.
        row.setAttribute("aria-label", row.title);
        return row;
    });
    const key = /** @type {const} */ ([["good", strings.card.verdictGood], ["weak", strings.card.verdictWeak], ["rare", strings.card.verdictRare]])
        .filter(([kind]) => rows.some(({ className }) => className === kind))
        .map(([kind, text]) => make("span", { className: kind }, make("i"), text));
    const list = make("ul", { className: "genre-bars", ariaLabel: strings.card.goodAt }, ...rows);
    return [
        make("p", { className: "bars-key" }, ...key, make("span", { className: "at-guessing" }, make("i"), strings.metrics.guessing)),
        make("p", { className: "bars-head" }, make("span"), make("span", null, strings.card.trainingPosters), make("span", null, strings.card.barHead)),
        list,
    ];
}

/** What the posters were used for, as one bar whose parts are as long as they are many. @param {Manifest["training"]} training */
export function splitBar({ train_posters, additional_posters = 0, valid_posters, test_posters }) {
    const parts = /** @type {[string, number, string][]} */ ([
        ["train", train_posters + additional_posters, strings.card.usedToTrain],
        ["valid", valid_posters, strings.card.usedToTune],
        ["test", test_posters, strings.card.usedToTest],
    ]).filter(([, posters]) => posters > 0);
    const bar = make("div", { className: "split" }, ...parts.map(([kind, posters]) => {
        const part = make("span", { className: kind });
        part.style.flexGrow = String(posters);
        return part;
    }));
    bar.setAttribute("aria-hidden", "true");
    return [bar, make("ul", { className: "split-key" }, ...parts.map(([kind, posters, text]) => make("li", { className: kind }, make("i"), make("strong", null, number(posters)), ` ${text}`)))];
}

/** Ten posters, of which as many are marked as a probability of 60% means. */
export function probabilityPicture() {
    const posters = Array.from({ length: POSTERS }, (_, index) => make("i", { className: index < Math.round(SHARE * POSTERS) ? "has" : "" }));
    const picture = make("div", { className: "ten", role: "img", ariaLabel: strings.card.tenPosters(Math.round(SHARE * POSTERS), POSTERS) }, ...posters);
    return make("div", { className: "probability" }, make("strong", null, percent(SHARE)), picture, make("p", null, strings.card.probability));
}

/** @param {number} share */
function percentage(share) {
    return `${100 * Math.min(1, Math.max(0, share))}%`;
}
