/**
 * Compares Marquee with other engines: the same model, weights and posters in the same browser, in turn. Every result
 * is a median with the 10th and 90th percentiles.
 *
 *     node web.mjs [--rounds N] [--json FILE] [--only NAME] [--against WWW] [--gpu]
 */

import { existsSync, readFileSync, readdirSync } from "node:fs";

import { chromium } from "playwright-core";

import { begin } from "./bench.mjs";

const { options, rounds, server, launch, launchServer, record, finish } = await begin();

/**
 * @typedef {object} Runner
 * @property {string} name
 * @property {string} engine
 * @property {"cpu" | "webgpu"} device
 * @property {number} threads
 * @property {number} [tolerance]  largest difference of its probabilities from those of Marquee; Marquee rounds the inputs
 *     of its layers to 7 bits on the CPU, most others compute in floats
 * @property {string} [query]  for the engine
 */

/** @type {Runner[]} */
const runners = [
    { name: "Marquee", engine: "marquee", device: "cpu", threads: 1 },
    { name: "Marquee without relaxed SIMD", engine: "marquee-plain", device: "cpu", threads: 1 },
    { name: "onnxruntime-web", engine: "onnxruntime", device: "cpu", threads: 1 },
    { name: "onnxruntime-web, 2 threads", engine: "onnxruntime", device: "cpu", threads: 2 },
    { name: "TensorFlow.js", engine: "tensorflow", device: "cpu", threads: 1 },
    { name: "LiteRT.js", engine: "litert", device: "cpu", threads: 1 },
    { name: "LiteRT.js, 8 bits", engine: "litert-int8", device: "cpu", threads: 1, tolerance: 0.3 },
    { name: "Marquee", engine: "marquee", device: "webgpu", threads: 1 },
    { name: "onnxruntime-web", engine: "onnxruntime", device: "webgpu", threads: 1 },
    { name: "TensorFlow.js", engine: "tensorflow", device: "webgpu", threads: 1 },
    ...(options.against ? anotherBuild(options.against) : []),
];

/** Returns the runners of another build. Builds of version 0.1 have one package for the CPU. @param {string} www @returns {Runner[]} */
function anotherBuild(www) {
    const manifest = JSON.parse(readFileSync(`${www}/model/model.json`, "utf8"));
    const compressed = existsSync(`${www}/pkg/${manifest.weights.file}.zlib`);
    const cpu = existsSync(`${www}/pkg/cpu-relaxed`) ? "cpu-relaxed" : "cpu";
    return /** @type {const} */ ([["cpu", cpu], ["webgpu", "gpu"]]).map(([device, folder]) => ({
        name: "Marquee, the other build", engine: "marquee-against", device, threads: 1, tolerance: Infinity, query: `&folder=${folder}&compressed=${compressed}`,
    }));
}
const chosen = runners.filter(({ engine, device }) => !options.only || options.only.split(",").some((only) => only === engine || only === device));

/** @param {Runner} runner */
function address({ engine, device, threads, query = "" }) {
    return `${server.url}${threads > 1 ? "/isolated" : ""}/bench/engine.html?engine=${engine}&device=${device}&threads=${threads}${query}`;
}

/** @param {import("playwright-core").Page} page @param {Runner} runner */
async function open(page, runner) {
    /** @type {string[]} */
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(address(runner));
    await page.waitForFunction(() => document.title === "ready", undefined, { timeout: 120_000 }).catch(() => {
        throw new Error(`${runner.name} on ${runner.device} did not become ready: ${errors.join("; ")}`);
    });
}

/** Calls a function of engine.js. @param {import("playwright-core").Page} page @param {string} name @param {unknown} [argument] @returns {Promise<any>} */
function call(page, name, argument) {
    return page.evaluate(([name, argument]) => Reflect.get(window, "bench")[String(name)](argument), [name, argument]);
}

/** Returns the peak memory of the largest renderer process, in bytes. @param {number} browser  process id */
function peak(browser) {
    const children = new Map();
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
            const parent = Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]);
            children.set(parent, [...(children.get(parent) ?? []), Number(id)]);
        } catch {
            // The process has ended meanwhile.
        }
    }
    const below = (/** @type {number} */ id) => (children.get(id) ?? []).flatMap((/** @type {number} */ child) => [child, ...below(child)]);
    const sizes = below(browser).map((/** @type {number} */ id) => {
        try {
            if (!readFileSync(`/proc/${id}/cmdline`, "utf8").includes("--type=renderer")) return 0;
            return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0);
        } catch {
            return 0;
        }
    });
    return Math.max(...sizes) * 1024;
}

// First visits in fresh profiles, then second ones in the same profiles.
const browser = await launch();
for (const [label, throttled] of /** @type {const} */ ([["first visit to first prediction", false], ["first visit to first prediction, 10 Mbit/s", true]])) {
    /** @type {Map<Runner, number[]>} */
    const first = new Map(chosen.map((runner) => [runner, []]));
    const second = new Map(chosen.map((runner) => [runner, /** @type {number[]} */ ([])]));
    const sent = new Map();
    for (let round = 0; round < Math.max(3, Math.round(rounds / 5)); round++) {
        for (const runner of chosen) {
            const context = await browser.newContext();
            const page = await context.newPage();
            if (throttled) {
                const session = await context.newCDPSession(page);
                await session.send("Network.enable");
                await session.send("Network.emulateNetworkConditions", { offline: false, latency: 40, downloadThroughput: 1.25e6, uploadThroughput: 1.25e6 });
            }
            server.sent();
            await open(page, runner);
            first.get(runner)?.push(await page.evaluate(() => Reflect.get(window, "bench").firstPrediction));
            sent.set(runner, server.sent());
            await open(page, runner);
            second.get(runner)?.push(await page.evaluate(() => Reflect.get(window, "bench").firstPrediction));
            await context.close();
        }
    }
    for (const runner of chosen) record(runner, label, "ms", first.get(runner) ?? []);
    if (throttled) continue;
    for (const runner of chosen) record(runner, "second visit to first prediction", "ms", second.get(runner) ?? []);
    for (const runner of chosen) record(runner, "transferred, gzip", "kB", [(sent.get(runner) ?? 0) / 1000]);
}

// Steady state: all tabs are open, one at a time computes.
/** @type {Map<Runner, import("playwright-core").Page>} */
const pages = new Map();
for (const runner of chosen) {
    const page = await (await browser.newContext()).newPage();
    await open(page, runner);
    pages.set(runner, page);
}
/** @type {number[] | undefined} */
let expected;
for (const [runner, page] of pages) {
    /** @type {number[]} */
    const probabilities = await call(page, "probabilities");
    expected ??= probabilities;
    const difference = Math.max(...probabilities.map((value, index) => Math.abs(value - (expected?.[index] ?? NaN))));
    record(runner, "largest difference of a probability", "", [difference], 4);
    const { tolerance = 0.03 } = runner;
    if (Number.isFinite(tolerance) && !(difference < tolerance)) throw new Error(`${runner.name} on ${runner.device} predicts something else: a probability is off by ${difference}`);
}
for (const [runner, page] of pages) {
    if (runner.device !== "webgpu") continue;
    const { dispatches, shaders } = await call(page, "gpuCalls");
    record(runner, "dispatches per prediction", "", [dispatches]);
    record(runner, "shaders compiled", "", [shaders]);
}
for (const task of ["model", "poster"]) {
    /** @type {Map<Runner, number[]>} */
    const times = new Map(chosen.map((runner) => [runner, []]));
    for (let round = 0; round < rounds; round++) {
        for (const [runner, page] of pages) {
            // The software GPU takes seconds where the CPU takes milliseconds.
            if (runner.device === "webgpu" && !options.gpu && round >= Math.max(3, rounds / 5)) continue;
            for (let again = 0; again < (runner.device === "cpu" ? 5 : 1); again++) {
                await page.bringToFront();
                const milliseconds = await call(page, task);
                if (round) times.get(runner)?.push(milliseconds); // the first round warms up
            }
        }
    }
    for (const runner of chosen) record(runner, task === "model" ? "model only" : "one poster from its bytes", "ms", times.get(runner) ?? []);
}
await browser.close();

// A hundred posters and the peak memory of the tab; each engine has a browser of its own. Much of that memory belongs to
// Chromium itself, as an empty page tells.
const samples = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"].map((name) => `../www/samples/${name}.jpg`);
for (const runner of [undefined, ...chosen]) {
    if (runner?.device === "webgpu" && !options.gpu) continue;
    const browserServer = await launchServer();
    const alone = await chromium.connect(browserServer.wsEndpoint());
    const page = await alone.newPage();
    if (runner) {
        await open(page, runner);
        const times = [];
        for (let round = 0; round < 3; round++) times.push(await call(page, "posters", Array.from({ length: 100 }, (_, index) => samples[index % samples.length])));
        record(runner, "100 posters from files", "ms", times);
    } else {
        await page.goto(`${server.url}/bench/empty.html`);
    }
    record(runner ?? { name: "an empty page", device: "" }, "peak memory of the tab", "MB", [peak(browserServer.process().pid ?? 0) / 1e6]);
    await alone.close();
    await browserServer.close();
}
finish();
