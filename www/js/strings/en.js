/**
 * English. See index.js for how to add a string or a language. Groups follow the parts of the page.
 *
 * Write plain, short text. Format numbers with the functions below, never with toFixed or `${n} %`.
 */

import { formatsFor } from "./formats.js";

const { number, percent, duration, megabytes, rate, plural } = formatsFor("en");

/** @typedef {{ first: number | undefined, last: number | undefined }} Ends  the first and last value of a curve */

export const en = {
    page: {
        skip: "Skip to content",
        tagline: "A film’s genres from its poster, computed on your own machine. Nothing is uploaded.",
        navigation: "Marquee",
        teach: "Teach",
        about: "About the model",
        settings: "Settings",
        install: "Install",
        partFailed: (/** @type {string} */ reason) => `This part of the page cannot be loaded (${reason}). Reload the page.`,
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
        invitationTouch: "Take a picture of a poster, or choose one.",
        intake: "Your posters",
        anywhere: "Drop posters anywhere",
        toTeach: "Drop posters to train on",
        choosePosters: "Choose posters",
        chooseFolder: "Folder",
        camera: "Camera",
        samples: "No poster? Try one of ours",
        sample: "Sample",
        ownPoster: "This is a sample. Drop a poster of your own anywhere on this page, or paste one.",
        ownPosterTouch: "This is a sample. Take a picture of a poster, or choose one.",
    },

    how: {
        title: "How it works",
        readTitle: "Your poster stays here",
        read: "This page brings the model to your poster, not your poster to a server. It works without a network, too.",
        lookTitle: "The model looks at all of it",
        look: "A neural network, trained on thousands of film posters, looks at colours, shapes and lettering, in one go.",
        seeTitle: "You see what it saw",
        see: "Each genre gets a probability. Select a genre: bright areas of the heatmap speak for it, the others against it.",
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
        evidenceAgainst: "against",
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
        share: "Share",
        compare: "Compare",
        wrong: "This is wrong",
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

    share: {
        title: "Take it along",
        text: (/** @type {string} */ name, /** @type {string} */ answer) => `${name}: ${answer}. Computed by Marquee from the poster alone.`,
        picture: (/** @type {string} */ name) => `Picture to share: ${name} and its genres`,
        evidence: (/** @type {string} */ genre) => `Evidence for ${genre}`,
        byline: "A film’s genres from its poster",
        send: "Share",
        save: "Save picture",
        copy: "Copy text",
        link: "Copy link",
        close: "Close",
        copied: "The text is copied.",
        linkCopied: "The link is copied. It opens this page with your settings, without the poster.",
        saved: "The picture is saved.",
        noPicture: "the picture cannot be encoded",
        failed: (/** @type {string} */ reason) => `That did not work: ${reason}.`,
    },

    handover: {
        name: "poster",
        from: (/** @type {string} */ name, /** @type {string} */ origin) => `${name} comes from ${origin}. Nothing is sent back.`,
        nothing: "No poster arrived. Share one again, or choose a file.",
    },

    browse: {
        group: "Posters of the gallery",
        previous: "Previous poster",
        next: "Next poster",
        place: (/** @type {number} */ place, /** @type {number} */ all) => `${number(place)} of ${number(all)}`,
    },

    compare: {
        title: "Compare two posters",
        hint: "Choose the second poster. Select a genre to see the evidence for it in both, on one scale.",
        choices: "Second poster",
        choose: (/** @type {string} */ name) => `Compare with ${name}`,
        chooseFile: "Choose a file",
        genres: "Genres of both posters",
        evidence: (/** @type {string} */ name, /** @type {string} */ genre) => `${name}: evidence for ${genre}`,
        close: "Close",
    },

    undo: {
        undo: "Undo",
        posterRemoved: (/** @type {string} */ name) => `${name} was removed.`,
        genreRemoved: (/** @type {string} */ genre) => `“${genre}” was removed.`,
        modelDeleted: (/** @type {string} */ name) => `“${name}” was deleted.`,
        galleryClosed: (/** @type {number} */ posters) => `The gallery of ${plural(posters, { one: "1 poster", other: `${number(posters)} posters` })} was closed.`,
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
        addOrReplace: (/** @type {number} */ added, /** @type {number} */ there) =>
            `Add ${plural(added, { one: "1 poster", other: `${number(added)} posters` })} to the ${number(there)} in the gallery, or replace them?`,
        add: "Add",
        replace: "Replace",
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
        showAll: "Show all",
        actual: (/** @type {string[]} */ genres) => `Actual: ${genres.join(", ") || "none"}`,
        refused: (/** @type {number} */ files) =>
            plural(files, { one: "1 file was not classified", other: `${number(files)} files were not classified` }),
        refusedList: "Files that were not classified",
        tableAlone: (/** @type {string} */ table) => `${table}: a table of genres needs posters. Drop both together.`,
        oneTable: (/** @type {string} */ ignored, /** @type {string} */ used) => `${ignored}: only one table at a time; ${used} was used.`,
    },

    teach: {
        notYet: (/** @type {string} */ reason) => `Training is not available yet: ${reason}.`,
        title: "Teach",
        intro: "Correct the model with a few of your own posters, or teach it a new genre. Tick each poster’s genres; unticked means absent. Genres that are not in the list stay as they are. Everything stays in this browser.",
        close: "Close",
        genresStep: "1. Genres",
        genres: "Genres to train",
        knownGenre: "Add a known genre",
        addGenre: "Add",
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
        use: "Use",
        rename: "Rename",
        save: "Save as a file",
        remove: "Delete",
        builtIn: "Built-in model",
        newName: "My model",
        renameTitle: "Rename the model",
        removeTitle: (/** @type {string} */ name) => `Delete “${name}” and its posters?`,
        removeConfirm: "Delete model",
        inUse: (/** @type {string} */ name) => ` with “${name}”`,
        interrupted: (/** @type {string} */ name, /** @type {number} */ step, /** @type {number} */ steps) =>
            `The training of “${name}” was interrupted after step ${step} of ${steps}. Its progress is saved; you can undo it.`,
        notSaved: (/** @type {string} */ reason) =>
            `This browser could not save the model (${reason}). It works until you close the page; save it as a file to keep it.`,
        storageFull: "no storage left",
        deletedElsewhere: "it was deleted in another tab",
        newerVersion: "another tab has a newer version of Marquee; reload this page",
        blocked: "Your models are in use by a tab with an older version of Marquee. Close it to see them here.",
        inOtherTab: (/** @type {string} */ name) => `“${name}” is being trained in another tab.`,
        imported: (/** @type {string} */ name) => `“${name}” is now in use.`,
        cannotLoad: (/** @type {string} */ name, /** @type {string} */ reason) => `“${name}” cannot be loaded (${reason}); the built-in model is used.`,
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
        goodAt: "What it is good and bad at",
        barHead: "how well it finds the genre: from never to always",
        verdictGood: "better than guessing",
        verdictWeak: "hardly better",
        verdictRare: "too few posters to learn from",
        genreBar: (/** @type {string} */ genre, /** @type {number} */ precision, /** @type {number} */ guessing, /** @type {number} */ posters, /** @type {string} */ verdict) =>
            `${genre}: ${verdict}. Average precision ${number(precision, 2)}, guessing ${number(guessing, 2)}; ${plural(posters, { one: "1 training poster", other: `${number(posters)} training posters` })}.`,
        howToRead: "How to read a probability",
        tenPosters: (/** @type {number} */ marked, /** @type {number} */ all) => `${number(marked)} of ${number(all)} posters are marked`,
        testedOn: "Posters that look alike are always in the same group, so it never met a test poster before.",
        usedToTrain: "to learn from",
        usedToTune: "to choose the thresholds",
        usedToTest: "for the test, and nothing else",
        quality: "How good it is",
        test: "On test posters",
        validation: "On validation posters",
        additionalTest: "On posters of other sources",
        otherSources: (/** @type {number} */ posters) =>
            `Posters of other sources are harder: other artwork, and genres that others wrote down. On ${plural(posters, { one: "1 such test poster", other: `${number(posters)} such test posters` })} it does this well:`,
        validationOnly: "These posters also chose the epoch and the thresholds, because none were kept for a test: the metrics are optimistic.",
        baseline: "Guessing is the best of several baselines that never look at a poster, such as predicting each genre’s frequency, or always naming the most frequent genres.",
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
        noName: "Enter a name.",
    },

    teachGenres: {
        chooseKnown: "Add a known genre…",
        count: (/** @type {number} */ ticked, /** @type {number} */ all) => `${number(ticked)} of ${number(all)}`,
        exists: (/** @type {string} */ name) => `“${name}” already exists.`,
        rename: (/** @type {string} */ genre) => `Rename ${genre}`,
        renameTitle: (/** @type {string} */ genre) => `Rename “${genre}”`,
        renamed: "The next training applies the new name.",
        remove: (/** @type {string} */ genre) => `Remove ${genre}`,
        removeHint: "Remove; the genre stays as it is",
        noneTicked: (/** @type {string} */ genre) => `${genre}: no poster is ticked.`,
        allTicked: (/** @type {string} */ genre) => `${genre}: every poster is ticked. Add some without it, or the model will predict it everywhere.`,
        tooFew: (/** @type {string} */ genre, /** @type {number} */ positives, /** @type {number} */ negatives, /** @type {number} */ least) =>
            `${genre}: ${number(positives)} with it, ${number(negatives)} without. Add at least ${number(least)} of each.`,
    },

    teachWrong: {
        correct: (/** @type {string} */ name) => `${name} was added. Correct its genres: tick those it has, and add others above.`,
    },

    teachPosters: {
        remove: (/** @type {string} */ name) => `Remove ${name}`,
        removeHint: "Remove",
        noRow: (/** @type {number} */ missing, /** @type {number} */ all) =>
            `${number(missing)} of ${number(all)} posters have no row in the CSV. Tick their genres by hand.`,
    },

    training: {
        addPosters: "First add posters.",
        addGenre: "Choose a genre that the model knows, or name a new one.",
        tick: (/** @type {string} */ genre) => `Tick the posters that have the genre ${genre}.`,
        ready: (/** @type {number} */ posters) => `Ready to train on ${plural(posters, { one: "1 poster", other: `${number(posters)} posters` })}.`,
        busy: "A training is running. Wait until it ends, or stop it.",
        loading: "Loading the training code",
        preparing: (/** @type {number} */ done, /** @type {number} */ all) => `Preparing posters: ${number(done)} of ${number(all)}`,
        progress: (/** @type {import("../messages.js").FineTuneProgress} */ { step, steps, loss, stepsPerSecond, secondsLeft }) =>
            `Step ${step} of ${steps} · loss ${number(loss, 3)} · ${rate(stepsPerSecond)} steps a second · ${number(Math.ceil(secondsLeft))} s left`,
        resume: "Resume",
        finished: (/** @type {number} */ posters, /** @type {string} */ name) =>
            `Trained on ${plural(posters, { one: "1 poster", other: `${number(posters)} posters` })}. “${name}” is now in use.`,
        undone: "The last training was undone.",
        restarting: (/** @type {string} */ reason) => `WebGPU failed (${reason}); restarting on the CPU.`,
        failed: (/** @type {string} */ reason) => `Training failed: ${reason}.`,
        savedUntil: (/** @type {number} */ step) => `Progress until step ${step} is saved; you can undo it.`,
        unchanged: "The model is unchanged.",
        curve: (/** @type {Ends} */ training, /** @type {Ends} */ heldOut) =>
            `Training loss, from ${number(training.first ?? 0, 3)} to ${number(training.last ?? 0, 3)}` +
            (heldOut.last === undefined ? "" : `; on held-out posters from ${number(heldOut.first ?? 0, 3)} to ${number(heldOut.last, 3)}`),
        axisSteps: "steps",
        axisLoss: "loss",
        lossTraining: "training",
        lossHeldOut: "held-out posters",
        lossGuessing: "guessing",
    },

    report: {
        heading: "Results",
        headingSoFar: "Results so far",
        error: (/** @type {{ posters: number, after: string, guessing: string, before: string | undefined }} */ { posters, after, guessing, before }) =>
            `Error (cross-entropy) on ${number(posters)} of your posters: ${after}. Guessing: ${guessing}${before === undefined ? "" : `, before the training: ${before}`}. ` +
            "Each poster was evaluated by a model that was not trained on it.",
        learned: (/** @type {string[]} */ genres) => `The model has learned ${genres.join(", ")}.`,
        better: (/** @type {string[]} */ genres) => `Better than before: ${genres.join(", ")}.`,
        worse: (/** @type {string[]} */ genres) => `Worse than before: ${genres.join(", ")}.`,
        same: (/** @type {string[]} */ genres) => `No better than before: ${genres.join(", ")}.`,
        unclear: (/** @type {string[]} */ genres) => `Too few posters to tell: ${genres.join(", ")}.`,
        learnedGenre: (/** @type {string} */ genre, /** @type {string} */ guessing, /** @type {string} */ after) =>
            `${genre} (average precision ${after}, guessing ${guessing})`,
        changedGenre: (/** @type {string} */ genre, /** @type {string} */ before, /** @type {string} */ after) =>
            `${genre} (average precision ${before} → ${after})`,
        notImproved: "No improvement: add more posters, or clearer ones.",
        genres: "Average precision of the trained genres",
        genre: "Average precision",
        counts: "with / without",
        guessing: "guessing",
        before: "before",
        after: "after",
        tooFew: "add at least 5 of each",
    },

    evaluation: {
        heading: (/** @type {string} */ csv, /** @type {number} */ posters) =>
            `Compared with ${csv} (${plural(posters, { one: "1 poster", other: `${number(posters)} posters` })})`,
        posters: "On these posters",
        genres: "Genres of these posters",
        actual: "actual",
        predicted: "predicted",
        precision: "precision",
        recall: "recall",
        f1: "F1",
        missed: "missed",
        wrong: "wrong",
        showMissed: (/** @type {string} */ genre, /** @type {number} */ posters) => `${number(posters)} missed: show the posters that have ${genre}, which the model did not predict`,
        showWrong: (/** @type {string} */ genre, /** @type {number} */ posters) => `${number(posters)} wrong: show the posters without ${genre}, which the model predicted`,
        missedPosters: (/** @type {string} */ genre) => `${genre} missed`,
        wrongPosters: (/** @type {string} */ genre) => `${genre} wrongly predicted`,
        noMatch: "no Id in it matches the name of one of these posters",
        noColumn: (/** @type {string[]} */ genres) => `it has no column for ${genres.join(", ")}, which the model predicts`,
    },

    download: {
        unreachable: (/** @type {string} */ path, /** @type {string} */ reason) => `${path} cannot be loaded: ${reason}`,
        failed: (/** @type {string} */ path, /** @type {number} */ status, /** @type {string} */ text) => `${path} cannot be loaded: the server responded ${status} ${text}`,
        building: (/** @type {string} */ name) => `the ${name} package is still being built; reload the page in a few minutes`,
        notBuilt: (/** @type {string} */ name, /** @type {string} */ reason) => `the ${name} package could not be built: ${reason}`,
        wrongVersion: (/** @type {string} */ path) => `${path} belongs to another version of the page; reload the page`,
    },

    worker: {
        notLoaded: "the worker cannot be loaded",
        modelNotLoaded: (/** @type {string} */ reason) => `the model could not be loaded (${reason})`,
        crashed: (/** @type {string} */ reason) => `the classifier crashed and was restarted (${reason})`,
        fileTooLarge: (/** @type {number} */ bytes, /** @type {number} */ limit) => `the file has ${megabytes(bytes)}; the limit is ${megabytes(limit)}`,
        noWebGpu: "this browser has no WebGPU",
        noGpu: "this browser offers no GPU",
        gpuUnused: (/** @type {string} */ reason) => `WebGPU is not used: ${reason}.`,
        cpuFaster: (/** @type {number} */ cpu, /** @type {number} */ gpu) => `CPU chosen: ${number(cpu)} ms a poster, WebGPU ${number(gpu)}.`,
        gpuWrong: (/** @type {number} */ difference) => `the GPU computes wrong results (a probability is off by ${number(difference, 3)})`,
        gpuFailed: (/** @type {string} */ reason) => `WebGPU failed: ${reason}. It is tried again in a minute.`,
        gpuLost: (/** @type {string} */ reason) => `the GPU was lost (${reason || "no reason given"})`,
        gpuError: (/** @type {string} */ reason) => `the GPU reported an error (${reason})`,
        gpuCrashed: (/** @type {string} */ reason) => `the GPU code crashed (${reason})`,
        timeout: (/** @type {number} */ seconds) => `no response within ${number(seconds)} seconds`,
    },
};
