/**
 * English. See index.js for how to add a string or a language. Groups follow the parts of the page.
 *
 * Write plain, short text. Format numbers with the functions below, never with toFixed or `${n} %`.
 */

import { formatsFor } from "./formats.js";

const { number, percent, duration, megabytes, rate, plural } = formatsFor("en");

export const en = {
    page: {
        skip: "Skip to content",
        tagline: "A film’s genres from its poster, computed on your own machine. Nothing is uploaded.",
        navigation: "Marquee",
        teach: "Teach",
        about: "About the model",
        settings: "Settings",
        install: "Install",
        footer: "The model and your posters stay in this browser. Open source under MIT or Apache-2.0; the sample posters are CC0.",
    },

    update: {
        ready: "A new version of Marquee is ready.",
        useNow: "Update now",
        elsewhere: "Marquee was updated in another tab.",
        reload: "Reload",
    },

    drop: {
        region: "Poster",
        invitation: "Drop posters here, or paste one.",
        choosePosters: "Choose posters",
        chooseFolder: "Folder",
        camera: "Camera",
        samples: "No poster? Try a sample:",
    },

    intake: {
        noFiles: "No files found.",
        noImage: "No image found.",
        dropAdvice: "Save the image, then drop its file.",
        pasteAdvice: "Copy the image itself, then paste it here.",
        onlyText: "This is text, not an image.",
        otherSite: (/** @type {string} */ host) => `Marquee never contacts other sites, so it cannot read the image on ${host}.`,
        otherPage: "that page",
        unreadable: "The image at that address cannot be read.",
        pastedName: "pasted image",
    },

    heatmap: {
        strength: "Heatmap",
        evidenceFor: "evidence for",
        evidenceAgainst: "evidence against",
    },

    poster: {
        genres: "Genres",
        topGenres: "Top genres",
        allGenres: "All genres",
        back: "← Back to all posters",
        loading: "Loading the model",
        loadingProgress: (/** @type {number} */ loaded, /** @type {number} */ total) =>
            `Loading the model: ${number(loaded / 1e6, 1)} of ${megabytes(total)}`,
        loadingOnce: "It is saved on this device and works offline.",
        empty: "Genres appear here.",
        emptyHint: "Select a genre to see why, or two to compare them.",
        computedOn: "Computed on",
        computedIn: "in",
        likely: "likely",
        unlikely: "unlikely",
        offline: "You are offline. Everything still works.",
        sortBy: "Sort by",
        sortByProbability: "probability",
        sortByName: "name",
        fewExamples: (/** @type {number} */ posters) => `trained on only ${plural(posters, { one: "1 poster", other: `${number(posters)} posters` })}`,
        showWhere: (/** @type {string} */ genre) => `Show the evidence for ${genre}`,
        alt: (/** @type {string} */ name) => `Poster: ${name}`,
        altSecond: (/** @type {string} */ genre) => `The same poster, for ${genre}`,
        sampleAlt: (/** @type {string} */ title) => `Sample: ${title}`,
        sampleFailed: "The sample poster cannot be loaded. Choose a poster of your own.",
        modelFailed: (/** @type {string} */ reason) => `The model cannot be loaded: ${reason}. Reload the page to try again.`,
    },

    device: { auto: "automatic", cpu: "CPU", webgpu: "WebGPU" },

    gallery: {
        region: "Many posters",
        posters: "Posters",
        title: (/** @type {number} */ posters) => plural(posters, { one: "1 poster", other: `${number(posters)} posters` }),
        classified: "Posters classified",
        waiting: (/** @type {number} */ done, /** @type {number} */ all) => `${number(done)} of ${number(all)}`,
        running: (/** @type {number} */ done, /** @type {number} */ all, /** @type {number} */ perSecond, /** @type {number} */ left) =>
            `${number(done)} of ${number(all)} · ${rate(perSecond)} a second · ${duration(left)} left`,
        finished: (/** @type {number} */ done, /** @type {number} */ took, /** @type {number} */ perSecond) =>
            `${number(done)} in ${duration(took)} · ${rate(perSecond)} a second`,
        stopped: (/** @type {number} */ done, /** @type {number} */ all) => `Stopped: ${number(done)} of ${number(all)} classified`,
        stop: "Stop",
        saveCsv: "Save CSV",
        saveJson: "Save JSON",
        train: "Train on these",
        close: "Close",
        genre: "Genre",
        anyGenre: "any",
        minimum: "Minimum:",
        defaultMinimum: "default",
        order: "Order",
        orderGiven: "as added",
        orderName: "name",
        orderProbability: "most probable first",
        orderUncertain: "least certain first",
        shown: (/** @type {number} */ shown, /** @type {number} */ all) => `${number(shown)} of ${number(all)} shown`,
        refused: (/** @type {number} */ files) =>
            plural(files, { one: "1 file was not classified", other: `${number(files)} files were not classified` }),
        refusedList: "Files that were not classified",
        tableAlone: (/** @type {string} */ table) => `${table}: a table of genres needs posters. Drop both together.`,
        oneTable: (/** @type {string} */ ignored, /** @type {string} */ used) => `${ignored}: only one table at a time; ${used} was used.`,
    },

    teach: {
        title: "Teach",
        intro: "Correct the model with a few of your own posters, or teach it a new genre. Tick each poster’s genres; unticked means absent. Genres that are not in the list stay as they are. Everything stays in this browser.",
        close: "Close",
        genresStep: "1. Genres",
        genres: "Genres to train",
        knownGenre: "Add a known genre",
        newGenre: "New genre",
        postersStep: "2. Posters",
        postersHint: "Drop posters here, twenty or more if you can: half of them with the genre, half without. Add a CSV to tick them automatically.",
        addPosters: "Add training posters",
        posters: "Training posters",
        trainingStep: "3. Training",
        warnings: "Before you train",
        depth: "Depth",
        depthHead: "quick",
        depthLastStage: "thorough",
        steps: "Steps",
        train: "Train",
        pause: "Pause",
        stop: "Stop",
        undo: "Undo the last training",
        reset: "Use the built-in model",
        progress: "Training",
    },

    models: {
        model: "Model",
        rename: "Rename",
        save: "Save as a file",
        remove: "Delete",
        imported: (/** @type {string} */ name) => `“${name}” is now in use.`,
        cannotLoad: (/** @type {string} */ name, /** @type {string} */ reason) => `“${name}” cannot be loaded (${reason}); the built-in model is used.`,
    },

    evaluation: {
        noMatch: "no Id in it matches the name of one of these posters",
    },

    settings: {
        title: "Settings",
        device: "Device",
        marking: "Marking",
        balanced: "balanced",
        strict: "strict",
        generous: "generous",
        top: "Top genres shown",
        theme: "Theme",
        matchSystem: "match system",
        light: "light",
        dark: "dark",
        motion: "Motion",
        reducedMotion: "reduced",
        copyLink: "Copy link",
        copied: "Copied.",
        reset: "Reset",
        done: "Done",
        notSaved: "This browser does not save data for this page, so these settings last until you leave it.",
    },

    card: {
        title: "About the model",
        loading: "It is still loading.",
        close: "Close",
        summary: (/** @type {{ name: string, width: number, height: number, genres: number, bytes: number }} */ { name, width, height, genres, bytes }) =>
            `${name}, ${width} × ${height} pixels, ${number(genres)} genres, ${megabytes(bytes)} of weights.`,
        training: (/** @type {{ posters: number, minutes: number, device: string, heldOut: number, data: string }} */ { posters, minutes, device, heldOut, data }) =>
            `Trained on ${number(posters)} posters in ${number(minutes)} minutes on ${device}, ` +
            `evaluated on ${number(heldOut)} held-out posters (${data}).`,
        worse: (/** @type {number} */ worse, /** @type {number} */ all) =>
            `It is worse than guessing on ${number(worse)} of ${number(all)} metrics: treat its predictions as a demonstration.`,
        quality: "How good it is",
        heldOut: "On held-out posters",
        baseline: "Guessing is the better of two baselines: always predicting each genre’s frequency, and always naming the two most frequent genres.",
        limits: "What it cannot do",
        posterOnly: "It sees only the poster: not the title’s meaning, the actors, or the film.",
        probability: `A probability of ${percent(0.6)} means that about six of ten such posters have the genre.`,
        rare: (/** @type {string[]} */ genres) => `Too few training posters: ${genres.join(", ")}.`,
        weak: (/** @type {string[]} */ genres) => `Hardly better than guessing: ${genres.join(", ")}.`,
        byGenre: "Genre by genre",
        genres: "Genres",
        genre: "Genre",
        trainingPosters: "training posters",
        heldOutPosters: "held-out posters",
        averagePrecision: "average precision",
        guessing: "guessing",
        threshold: "threshold",
    },

    metrics: {
        model: "Model",
        guessing: "Guessing",
        lowerIsBetter: (/** @type {string} */ metric) => `${metric} (lower is better)`,
        none: "–",
    },

    camera: {
        title: "Poster from the camera",
        take: "Take picture",
        cancel: "Cancel",
        failed: (/** @type {string} */ reason) => `No camera: ${reason}. Choose a file instead.`,
        needsHttps: "it needs HTTPS",
    },

    dialog: {
        name: "Name",
        cancel: "Cancel",
        done: "Done",
    },
};
