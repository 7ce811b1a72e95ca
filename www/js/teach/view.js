/**
 * Teaching: the posters, which genres each of them has, the training, and what it gave.
 *
 * What is ticked is true of a poster, what is not ticked is not. Only the genres in the list are taught; of the
 * others nothing is said, and they stay as they are.
 *
 * @import { Choice, FromTeacher, Judgement, Manifest } from "../messages.js"
 * @import { Example, OwnModel } from "../store.js"
 */

import { element, make, table } from "../dom.js";
import { drawCurve } from "./loss-curve.js";
import { Training } from "../fine-tune-session.js";
import * as models from "../models.js";
import { askName } from "../dialog.js";
import * as store from "../store.js";
import { thumbnail } from "../thumbnail.js";

const page = {
    section: element("teach", HTMLElement),
    title: element("teach-title", HTMLElement),
    genres: element("teach-genres", HTMLElement),
    known: element("known-genre", HTMLSelectElement),
    add: element("new-genre", HTMLButtonElement),
    tiles: element("teach-posters", HTMLElement),
    empty: element("teach-empty", HTMLElement),
    warnings: element("teach-warnings", HTMLElement),
    depth: element("depth", HTMLSelectElement),
    steps: element("steps", HTMLInputElement),
    train: element("train", HTMLButtonElement),
    pause: element("pause-training", HTMLButtonElement),
    stop: element("stop-training", HTMLButtonElement),
    undo: element("undo-training", HTMLButtonElement),
    reset: element("use-built-in", HTMLButtonElement),
    progress: element("training-progress", HTMLProgressElement),
    status: element("training-status", HTMLElement),
    curve: element("curve", HTMLElement),
    error: element("teach-error", HTMLElement),
    result: element("teach-result", HTMLElement),
};

/** Posters with and without a genre below which nothing can be said of it. */
const FEW = 5;

/** How many trainings can be undone; each takes as much room as a network. */
const EARLIER = 5;

/** The network that is taught; undefined until there is a poster. @type {OwnModel | undefined} */
let network;
/** What it, or the one that it will come from, says of itself. @type {Manifest | undefined} */
let manifest;
/** @type {Map<Example, HTMLLIElement>} */
const examples = new Map();
/** Addresses of the thumbnails. @type {string[]} */
const pictures = [];
/** @type {Training | undefined} */
let training;
let paused = false;
/** Which device the visitor wants, and which answers. @type {{ choice: Choice, device: string }} */
let computing = { choice: "auto", device: "cpu" };
/** Genres that are wanted before there is a network to keep them. @type {{ genres: string[], added: string[] }} */
let wanted = { genres: [], added: [] };

page.known.addEventListener("change", () => {
    if (page.known.value) addGenre(page.known.value, false);
});
page.add.addEventListener("click", async () => {
    const name = await askName("A genre that the network does not know", "", nameIsWrong);
    if (name) addGenre(name, true);
});
page.train.addEventListener("click", train);
page.pause.addEventListener("click", () => {
    paused = !paused;
    if (paused) training?.pause();
    else training?.goOn();
    page.pause.textContent = paused ? "Go on" : "Pause";
});
page.stop.addEventListener("click", () => training?.stop());
page.undo.addEventListener("click", async () => {
    const last = network?.earlier.at(-1);
    if (!network || !last) return;
    await models.change(network, { ...last, cut: null, earlier: network.earlier.slice(0, -1) });
    models.select(network);
    showState();
    page.status.textContent = "The last training is undone.";
});
page.reset.addEventListener("click", () => models.select(undefined));

/** @param {boolean} visible */
export function show(visible) {
    page.section.hidden = !visible;
    if (visible) page.title.focus();
}

export function isShown() {
    return !page.section.hidden;
}

/** @param {Partial<typeof computing>} changed */
export function applyDevice(changed) {
    computing = { ...computing, ...changed };
}

/** @param {Manifest} ready  of the network that answers */
export function showReady(ready) {
    manifest = ready;
    showGenres();
}

/** Teaches another network from now on. @param {OwnModel | undefined} chosen */
export async function showModel(chosen) {
    if (chosen === network && chosen) {
        showState();
        return;
    }
    network = chosen;
    wanted = { genres: [], added: [] };
    page.status.textContent = page.error.textContent = "";
    page.curve.hidden = true;
    for (const picture of pictures.splice(0)) URL.revokeObjectURL(picture);
    examples.clear();
    page.tiles.replaceChildren();
    if (chosen && chosen.id > 0) {
        const kept = await store.examples(chosen.id).catch(() => []);
        if (network !== chosen) return;
        for (const example of kept) await showExample(example);
    }
    showState();
}

/**
 * Takes posters to learn from.
 *
 * @param {File[]} files
 * @param {{ genres: string[], of: (name: string) => string[] | undefined }} [table]  their genres, where they are known
 */
export async function addPosters(files, table) {
    page.error.textContent = "";
    const mine = await ownNetwork();
    for (const genre of table?.genres ?? []) {
        if (!taught().includes(genre)) await addGenre(genre, !manifest?.genres.some(({ name }) => name === genre));
    }
    let unknown = 0;
    for (const file of files) {
        const genres = table?.of(file.name);
        if (table && !genres) unknown++;
        const example = { network: mine.id, name: file.name, file: new Blob([await file.arrayBuffer()], { type: file.type }), genres: genres ?? [] };
        const kept = await keepExample(example);
        if (network === mine) await showExample(kept);
    }
    if (unknown) page.error.textContent = `${unknown} of ${files.length} posters have no row in the table: tick their genres by hand.`;
    showState();
}

/** Ticks the genres of posters that are there already. @param {{ genres: string[], of: (name: string) => string[] | undefined }} table */
export async function applyLabels(table) {
    for (const genre of table.genres) {
        if (!taught().includes(genre)) await addGenre(genre, !manifest?.genres.some(({ name }) => name === genre));
    }
    for (const example of examples.keys()) {
        const genres = table.of(example.name);
        if (genres) await tick(example, genres);
    }
    showState();
}

/** Of the posters that are there. */
export function posterNames() {
    return [...examples.keys()].map(({ name }) => name);
}

/** @param {string} message */
export function showError(message) {
    page.error.textContent = message;
}

/** The network to teach; a new one where the shipped one answers. */
async function ownNetwork() {
    if (network) return network;
    const made = await models.add("My network", null, null);
    await models.change(made, wanted);
    network = made;
    models.select(made);
    return made;
}

function taught() {
    return network?.genres ?? wanted.genres;
}

/** @param {string} name */
function nameIsWrong(name) {
    if (!name) return "It needs a name.";
    const same = (/** @type {string} */ other) => other.toLowerCase() === name.toLowerCase();
    if (taught().some(same) || manifest?.genres.some((genre) => same(genre.name))) return `There is a genre “${name}” already.`;
    return "";
}

/**
 * @param {string} name
 * @param {boolean} isNew
 */
async function addGenre(name, isNew) {
    const before = network ?? wanted;
    const changes = { genres: [...before.genres, name], added: isNew ? [...before.added, name] : before.added };
    if (network) await models.change(network, changes);
    else wanted = changes;
    showState();
}

/** @param {string} genre */
async function removeGenre(genre) {
    const without = (/** @type {string[]} */ names) => names.filter((name) => name !== genre);
    const before = network ?? wanted;
    const changes = { genres: without(before.genres), added: without(before.added) };
    if (network) await models.change(network, changes);
    else wanted = changes;
    for (const example of examples.keys()) if (example.genres.includes(genre)) await tick(example, without(example.genres));
    showState();
}

/** @param {string} genre */
async function renameGenre(genre) {
    const name = await askName(`Another name for “${genre}”`, genre, (name) => (name === genre ? "" : nameIsWrong(name)));
    if (!name || name === genre) return;
    const changed = (/** @type {string[]} */ names) => names.map((other) => (other === genre ? name : other));
    const mine = await ownNetwork();
    const { genres, added, renamed } = mine;
    // A genre of the base keeps its place under the new name; one of the visitor's simply has another.
    const of = renamed.find(([, to]) => to === genre)?.[0] ?? genre;
    const names = added.includes(genre) ? renamed : [...renamed.filter(([from]) => from !== of), /** @type {[string, string]} */ ([of, name])];
    await models.change(mine, { genres: changed(genres), added: changed(added), renamed: names });
    for (const example of examples.keys()) await tick(example, changed(example.genres));
    showState();
    page.status.textContent = "The name is in the answers after the next training.";
}

/**
 * @param {Example} example
 * @param {string[]} genres
 */
async function tick(example, genres) {
    example.genres = genres;
    if (example.network > 0) await store.saveExample(example).catch(models.reportStorageError);
}

/** @param {Omit<Example, "id">} example @returns {Promise<Example>} */
async function keepExample(example) {
    if (example.network > 0) {
        try {
            return await store.saveExample(example);
        } catch (error) {
            models.reportStorageError(error);
        }
    }
    return { ...example, id: 0 };
}

/** @param {Example} example */
async function showExample(example) {
    const small = await thumbnail(/** @type {File} */ (example.file));
    const src = small ? URL.createObjectURL(small) : "";
    if (src) pictures.push(src);
    const tile = make("li", { className: "training-poster" });
    tile.append(make("img", { src, alt: "", width: 200, height: 300, loading: "lazy" }), make("span", { className: "file", title: example.name }, example.name), make("div", { className: "ticks" }));
    const remove = make("button", { type: "button", className: "remove", ariaLabel: `Take ${example.name} out`, title: "Take it out" }, "×");
    remove.addEventListener("click", async () => {
        examples.delete(example);
        tile.remove();
        if (example.id) await store.deleteExample(example.id).catch(models.reportStorageError);
        showState();
    });
    tile.append(remove);
    examples.set(example, tile);
    page.tiles.append(tile);
    showTicks(example, tile);
}

/**
 * @param {Example} example
 * @param {HTMLLIElement} tile
 */
function showTicks(example, tile) {
    const buttons = taught().map((genre) => {
        const has = example.genres.includes(genre);
        const button = make("button", { type: "button", className: "tick", ariaPressed: String(has) }, genre);
        button.addEventListener("click", async () => {
            const has = example.genres.includes(genre);
            button.ariaPressed = String(!has);
            await tick(example, has ? example.genres.filter((other) => other !== genre) : [...example.genres, genre]);
            showGenres();
        });
        return button;
    });
    tile.querySelector(".ticks")?.replaceChildren(...buttons);
}

/** Everything that follows from the posters and the genres. */
function showState() {
    for (const [example, tile] of examples) showTicks(example, tile);
    page.empty.hidden = examples.size > 0;
    page.undo.hidden = !network?.earlier.length || training !== undefined;
    page.reset.hidden = !network || training !== undefined;
    showGenres();
    showJudgement(network?.judgement ?? null);
}

function showGenres() {
    const count = (/** @type {string} */ genre) => [...examples.keys()].filter(({ genres }) => genres.includes(genre)).length;
    const chips = taught().map((genre) => {
        const rename = make("button", { type: "button", title: "Rename", ariaLabel: `Rename ${genre}` }, "✎");
        rename.addEventListener("click", () => renameGenre(genre));
        const remove = make("button", { type: "button", title: "Do not teach it", ariaLabel: `Do not teach ${genre}` }, "×");
        remove.addEventListener("click", () => removeGenre(genre));
        return make("li", null, make("strong", null, genre), make("span", null, `${count(genre)} of ${examples.size}`), rename, remove);
    });
    page.genres.replaceChildren(...chips);
    const others = manifest?.genres.map(({ name }) => name).filter((name) => !taught().includes(name)) ?? [];
    page.known.replaceChildren(make("option", { value: "" }, "Teach a known genre…"), ...others.toSorted().map((name) => make("option", { value: name }, name)));

    const warnings = [];
    for (const genre of examples.size ? taught() : []) {
        const yes = count(genre);
        const no = examples.size - yes;
        if (!yes) warnings.push(`No poster is ticked as ${genre}.`);
        else if (!no) warnings.push(`Every poster is ticked as ${genre}: add some that are not, or it will be seen everywhere.`);
        else if (Math.min(yes, no) < FEW) warnings.push(`${genre}: ${yes} with it and ${no} without it are too few to tell whether it is learnt; ${FEW} of each is the least.`);
    }
    page.warnings.replaceChildren(...warnings.map((text) => make("li", null, text)));
    const possible = taught().some((genre) => count(genre) > 0);
    page.train.disabled = !possible || training !== undefined;
    page.train.title = possible ? "" : "Add posters, name a genre, and tick the posters that have it.";
}

async function train() {
    const mine = network;
    if (!mine || training) return;
    const genres = mine.genres;
    const formerly = new Map(mine.renamed.map(([from, to]) => [to, from]));
    const name = (/** @type {string} */ genre) => formerly.get(genre) ?? genre;
    const posters = [...examples.keys()].map(({ name: file, file: blob, genres: has }) => ({
        name: file,
        file: blob,
        labels: Object.fromEntries(genres.map((genre) => [name(genre), has.includes(genre)])),
    }));
    const depth = /** @type {"head" | "last-stage"} */ (page.depth.value);
    const steps = Math.max(1, page.steps.valueAsNumber || 200);
    // The head is learnt faster than a GPU could be asked.
    const gpu = computing.choice === "webgpu" || (computing.choice === "auto" && depth === "last-stage" && computing.device === "webgpu");
    const options = { depth, steps, newGenres: mine.added, batchSize: depth === "head" ? 32 : 8 };
    const before = { file: mine.file, judgement: mine.judgement };
    const earlier = [...mine.earlier, before].slice(-EARLIER);
    /** @type {[number, number][]} */
    const losses = [];
    page.error.textContent = "";
    page.curve.hidden = false;
    page.result.replaceChildren();
    paused = false;
    page.pause.textContent = "Pause";

    /** @param {FromTeacher} message */
    const hear = async (message) => {
        switch (message.type) {
            case "looked":
                page.progress.value = message.posters / message.of;
                page.status.textContent = `Looking at the posters: ${message.posters} of ${message.of}`;
                break;
            case "refused":
                page.error.textContent += `${message.name}: ${message.message}. `;
                break;
            case "progress": {
                const { step, steps, loss, stepsPerSecond, secondsLeft } = message.progress;
                losses.push([step, loss]);
                page.progress.value = step / steps;
                page.status.textContent = `Step ${step} of ${steps} · loss ${loss.toFixed(3)} · ${stepsPerSecond.toFixed(stepsPerSecond < 10 ? 1 : 0)} steps a second · ${Math.ceil(secondsLeft)} s left`;
                drawCurve(page.curve, losses, steps);
                break;
            }
            case "checkpoint": {
                const { file, step, steps } = message;
                await models.change(mine, { file: blob(file), judgement: null, cut: { step, steps }, earlier });
                break;
            }
            case "judged":
                showJudgement(message.judgement, "What it gives so far");
                break;
            case "taught": {
                await models.change(mine, { file: blob(message.file), judgement: message.judgement, cut: null, earlier });
                finish();
                page.status.textContent = `Taught with ${posters.length} posters. “${mine.name}” answers from now on.`;
                models.select(mine);
                break;
            }
            case "failed":
                finish();
                page.status.textContent = "";
                page.error.textContent += `The training ended: ${message.message}. `;
                page.error.textContent += mine.cut ? `What was learnt until step ${mine.cut.step} is kept; it can be undone.` : "The network is as it was before.";
                models.select(mine);
        }
    };
    const finish = () => {
        training = undefined;
        showTraining();
        showState();
    };
    training = new Training(
        { base: mine.base, device: gpu ? "webgpu" : "cpu", options, renamed: mine.renamed, posters },
        hear,
        (reason) => (page.error.textContent = `WebGPU failed (${reason}); the CPU learns from the beginning. `),
    );
    page.progress.value = 0;
    page.status.textContent = "Loading the teacher";
    showTraining();
}

/** @param {Uint8Array} file */
function blob(file) {
    return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)]);
}

function showTraining() {
    const running = training !== undefined;
    page.progress.hidden = page.pause.hidden = page.stop.hidden = !running;
    page.train.disabled = running;
    page.undo.hidden = page.reset.hidden = running;
    for (const control of page.section.querySelectorAll(".chips button, .ticks button, .remove, #known-genre, #new-genre, #depth, #steps")) {
        /** @type {HTMLButtonElement} */ (control).disabled = running;
    }
}

/** @param {Judgement | null} judgement @param {string} [heading] */
function showJudgement(judgement, heading = "What it gave") {
    if (!judgement || !judgement.genres.length) {
        page.result.replaceChildren();
        return;
    }
    const figure = (/** @type {number | null | undefined} */ value) => value?.toFixed(2) ?? "–";
    const { crossEntropy, genres, posters } = judgement;
    const rows = genres.map(({ genre, positives, negatives, averagePrecision, enough }) => ({
        className: enough ? "" : "rare",
        cells: [
            network?.renamed.find(([from]) => from === genre)?.[1] ?? genre,
            `${positives} / ${negatives}`,
            figure(averagePrecision.guessing),
            figure(averagePrecision.before),
            figure(averagePrecision.after),
            enough ? "" : "too few to tell",
        ],
    }));
    const better = crossEntropy.after < Math.min(crossEntropy.guessing, crossEntropy.before ?? Infinity);
    page.result.replaceChildren(
        make("h3", null, heading),
        make(
            "p",
            { className: better ? "" : "warning" },
            `On ${posters} of your posters, each judged by a network that had not learnt from it, the error (cross-entropy) is ${figure(crossEntropy.after)}; ` +
                `guessing has ${figure(crossEntropy.guessing)}` +
                (crossEntropy.before == null ? "." : `, the network before had ${figure(crossEntropy.before)}.`) +
                (better ? "" : " That is no gain: more posters, or clearer ones, are needed."),
        ),
        table("Average precision of what was taught", ["Average precision", "with / without", "guessing", "before", "after", ""], rows),
    );
}
