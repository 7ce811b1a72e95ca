/** The package's promises: workers, priorities, crashes, aborts. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { append, url, visitor } from "./harness.mjs";

const visit = visitor();

/** @typedef {typeof import("../../www/marquee/index.js")} Api */

/**
 * Opens an empty page of the package's origin, with the package and a poster in global variables.
 *
 * @param {import("playwright-core").Page} page
 */
async function open(page) {
    await page.route("**/blank.html", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>blank</title>" }));
    await page.goto(`${url}blank.html`);
    await page.evaluate(async () => {
        const api = await import(new URL("marquee/index.js", location.href).href);
        const poster = await (await fetch("samples/lighthouse.jpg")).blob();
        Object.assign(window, { api, poster });
    });
}

/** Waits until the page has no worker. @param {import("playwright-core").Page} page @param {string} stage */
async function assertNoWorkers(page, stage) {
    for (let tries = 0; page.workers().length && tries < 20; tries++) await page.waitForTimeout(50);
    assert.deepEqual(page.workers().map((worker) => worker.url()), [], stage);
}

describe("an abort leaves no worker behind", () => {
    test("while files are loaded", () => visit(async (_, page) => {
        await open(page);
        await page.route("**/*.wasm", () => {}); // never answered
        const error = await page.evaluate(async () => {
            const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
            return load({ device: "cpu", signal: AbortSignal.timeout(300) }).then(() => "loaded", ({ name }) => name);
        });
        assert.equal(error, "TimeoutError");
        await assertNoWorkers(page, "downloading");
    }));

    test("before and while the worker starts, classifies, runs a batch, prepares and trains", () => visit(async (_, page) => {
        await open(page);
        const names = await page.evaluate(async () => {
            const { load, fineTuner } = /** @type {Api} */ (Reflect.get(window, "api"));
            const poster = /** @type {Blob} */ (Reflect.get(window, "poster"));
            /** @type {Record<string, string>} */
            const names = {};
            /** @param {string} stage @param {(signal: AbortSignal) => Promise<unknown>} work @param {number} [after]  milliseconds */
            const abort = async (stage, work, after = 0) => {
                const controller = new AbortController();
                const result = work(controller.signal).then(() => "finished", ({ name }) => name);
                setTimeout(() => controller.abort(), after);
                names[stage] = await result;
            };
            names.before = await load({ signal: AbortSignal.abort() }).then(() => "finished", ({ name }) => name);
            for (const after of [0, 20, 60]) await abort(`load ${after}`, (signal) => load({ device: "cpu", signal }).then((marquee) => marquee.close()), after);
            const marquee = await load({ device: "cpu", workers: 2 });
            const posters = Array(60).fill(poster);
            await abort("classify", (signal) => marquee.classify(poster, { signal }));
            await abort("classifyAll", async (signal) => {
                for await (const { index } of marquee.classifyAll(posters, { signal })) void index;
            }, 100);
            await abort("fineTuner", (signal) => marquee.fineTuner({ signal }));
            await abort("fineTuner alone", (signal) => fineTuner({ signal }), 20);
            const tuner = await marquee.fineTuner({ newGenres: ["Night"], steps: 100_000 });
            await tuner.add([{ input: poster, labels: { Night: true } }]);
            await abort("train", (signal) => tuner.train({ signal }), 300);
            // The model is as it was at the abort, and can be used.
            names.after = String((await tuner.export()).length > 1e6);
            tuner.close();
            // Leaving the loop ends a batch, too.
            for await (const { index } of marquee.classifyAll(posters)) if (index >= 0) break;
            names.again = (await marquee.classify(poster, { top: 1 })).genres.length === 1 ? "answers" : "";
            marquee.close();
            return names;
        });
        for (const [stage, name] of Object.entries(names)) {
            // A quick machine may have loaded by then, and what was loaded is closed.
            const expected = { after: "true", again: "answers" }[stage] ?? (stage.startsWith("load ") && name === "finished" ? "finished" : "AbortError");
            assert.equal(name, expected, stage);
        }
        await assertNoWorkers(page, JSON.stringify(names));
    }));
});

test("a poster asked during a batch overtakes it, and the batch goes on", () => visit(async (_, page) => {
    await open(page);
    const { between, results } = await page.evaluate(async () => {
        const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
        const poster = /** @type {Blob} */ (Reflect.get(window, "poster"));
        const marquee = await load({ device: "cpu", workers: 1 });
        let results = 0;
        const batch = (async () => {
            for await (const { error } of marquee.classifyAll(Array(40).fill(poster))) if (!error) results++;
        })();
        while (results < 5) await new Promise((resolve) => setTimeout(resolve));
        const before = results;
        await marquee.classify(poster);
        const between = results - before;
        await batch;
        marquee.close();
        return { between, results };
    });
    // The one that was under way, and at most one whose result was on its way to the page.
    assert.ok(between <= 2, `${between} posters of the batch were answered first`);
    assert.equal(results, 40);
}));

test("all workers answer as one does, whatever their number", () => visit(async (_, page) => {
    await open(page);
    const [one, four] = await page.evaluate(async () => {
        const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
        const names = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"];
        const posters = [...names, ...names, ...names].map((name) => new URL(`samples/${name}.jpg`, location.href));
        const answers = async (/** @type {number} */ workers) => {
            const marquee = await load({ device: "cpu", workers });
            /** @type {string[]} */
            const answers = [];
            for await (const { index, genres } of marquee.classifyAll(posters)) answers[index] = JSON.stringify(genres);
            Reflect.set(window, "last", marquee);
            return answers;
        };
        return [await answers(1), await answers(4)];
    });
    assert.equal(one.length, 18);
    assert.deepEqual(four, one);
    // The workers that are not needed end by themselves: one of each instance is left.
    await page.waitForTimeout(1500);
    assert.equal(page.workers().length, 2);
    await page.evaluate(() => Reflect.get(window, "last").close());
}));

describe("a worker that crashes", () => {
    /** Makes posters crash the worker: those of 1 byte always, those of 2 bytes the first time. @param {import("playwright-core").Page} page */
    const makeCrash = async (page) => {
        let asked = 0;
        await page.route("**/crashes", (route) => route.fulfill({ body: String(asked++) }));
        await append(page, "pkg/cpu*/marquee.js", `
            const { classify } = Classifier.prototype;
            Classifier.prototype.classify = async function (bytes, ...rest) {
                const crashes = bytes.length === 1 || (bytes.length === 2 && (await (await fetch(new URL("/crashes", location.href))).text()) === "0");
                if (!crashes) return bytes.length === 2 ? [] : classify.call(this, bytes, ...rest);
                setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); });
                return new Promise(() => {});
            };`);
    };

    test("is replaced: its poster is tried once more, and all others are answered", () => visit(async (_, page) => {
        await makeCrash(page);
        /** @type {string[]} */
        const started = [];
        page.on("worker", (worker) => started.push(worker.url()));
        await open(page);
        const results = await page.evaluate(async () => {
            const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
            const poster = /** @type {Blob} */ (Reflect.get(window, "poster"));
            const marquee = await load({ device: "cpu", workers: 1 });
            const inputs = [poster, new Uint8Array(1), poster, new Uint8Array(2), poster, poster];
            /** @type {string[]} */
            const results = [];
            for await (const { index, error } of marquee.classifyAll(inputs)) results[index] = error ? Reflect.get(error, "code") : "classified";
            marquee.close();
            return results;
        });
        assert.deepEqual(results, ["classified", "crashed", "classified", "classified", "classified", "classified"]);
        // The first one, two for the poster that always crashes, one for the other.
        assert.equal(started.length, 4, started.join());
        await assertNoWorkers(page, "closed");
    }));

    test("and cannot be loaded again leaves no poster of a batch pending, and later posters are tried", () => visit(async (_, page) => {
        await makeCrash(page);
        let started = 0;
        page.on("worker", () => started++);
        await open(page);
        let isGone = false;
        await page.route("**/marquee/worker-cpu*.js", (route) => (isGone ? route.fulfill({ status: 404 }) : route.continue()));
        await page.exposeFunction("remove", () => (isGone = true));
        await page.exposeFunction("restore", () => (isGone = false));
        const { codes, later } = await page.evaluate(async () => {
            const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
            const poster = /** @type {Blob} */ (Reflect.get(window, "poster"));
            const marquee = await load({ device: "cpu", workers: 1 });
            await Reflect.get(window, "remove")();
            /** @type {string[]} */
            const codes = [];
            for await (const { index, error } of marquee.classifyAll([new Uint8Array(1), poster, poster, poster])) codes[index] = error ? Reflect.get(error, "code") : "";
            await Reflect.get(window, "restore")();
            const later = (await marquee.classify(poster, { top: 1 })).genres.length;
            marquee.close();
            return { codes, later };
        });
        assert.equal(codes.length, 4);
        assert.ok(codes.every((code) => code === "worker-failed"), codes.join());
        assert.equal(later, 1);
        assert.ok(started <= 7, `${started} workers were started`);
    }));

    for (const [when, path, code] of /** @type {const} */ ([
        ["when its script runs", "marquee/worker-cpu*.js", "throw new Error('no luck');"],
        ["when it opens the model", "pkg/cpu*/marquee.js", "Classifier.load = async () => { setTimeout(() => { throw new Error('no luck'); }); return new Promise(() => {}); };"],
        ["when its script is missing", "marquee/worker-cpu*.js", ""],
    ])) {
        test(`${when} rejects with the reason, and is not started again`, () => visit(async (_, page) => {
            let started = 0;
            page.on("worker", () => started++);
            await open(page);
            if (code) await append(page, path, code);
            else await page.route(`**/${path}`, (route) => route.fulfill({ status: 404 }));
            const { error, message } = await page.evaluate(async () => {
                const { load } = /** @type {Api} */ (Reflect.get(window, "api"));
                return load({ device: "cpu" }).then(() => ({ error: "", message: "" }), ({ code, message }) => ({ error: code, message }));
            });
            assert.equal(error, "worker-failed");
            assert.match(message, code ? /no luck/ : /its script is missing/);
            await page.waitForTimeout(300);
            assert.ok(started <= 1, `${started} workers were started`);
            await assertNoWorkers(page, message);
        }));
    }
});
