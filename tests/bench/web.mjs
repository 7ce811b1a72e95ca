/**
 * Marquee beside other engines: the same network, weights and posters, in the same browser, interleaved. Every
 * figure is a median with the tenth and the ninetieth percentile.
 *
 *     node web.mjs [--rounds N] [--json FILE] [--only NAME] [--gpu]
 */

import { readFileSync, readdirSync } from "node:fs";

import { chromium } from "playwright-core";

import { begin } from "./bench.mjs";

const { options, rounds, server, launch, launchServer, record, finish } = await begin();

/** @typedef {{ name: string, engine: string, device: "cpu" | "webgpu", threads: number }} Runner */

/** @type {Runner[]} */
const runners = [
    { name: "Marquee", engine: "marquee", device: "cpu", threads: 1 },
    { name: "onnxruntime-web", engine: "onnxruntime", device: "cpu", threads: 1 },
    { name: "onnxruntime-web, 2 threads", engine: "onnxruntime", device: "cpu", threads: 2 },
    { name: "TensorFlow.js", engine: "tensorflow", device: "cpu", threads: 1 },
    { name: "Marquee", engine: "marquee", device: "webgpu", threads: 1 },
    { name: "onnxruntime-web", engine: "onnxruntime", device: "webgpu", threads: 1 },
    { name: "TensorFlow.js", engine: "tensorflow", device: "webgpu", threads: 1 },
];
const chosen = runners.filter(({ engine, device }) => !options.only || options.only.split(",").some((only) => only === engine || only === device));

/** @param {Runner} runner */
function address({ engine, device, threads }) {
    return `${server.url}${threads > 1 ? "/isolated" : ""}/bench/engine.html?engine=${engine}&device=${device}&threads=${threads}`;
}

/** @param {import("playwright-core").Page} page @param {Runner} runner */
async function open(page, runner) {
    /** @type {string[]} */
    const said = [];
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(address(runner));
    await page.waitForFunction(() => document.title === "ready", undefined, { timeout: 120_000 }).catch(() => {
        throw new Error(`${runner.name} on ${runner.device} did not answer: ${said.join("; ")}`);
    });
}

/** @param {import("playwright-core").Page} page @param {string} what @param {unknown} [argument] @returns {Promise<any>} */
function call(page, what, argument) {
    return page.evaluate(([what, argument]) => Reflect.get(window, "bench")[String(what)](argument), [what, argument]);
}

/** Most bytes that a process of the browser's renderers ever held. @param {number} browser  its process id */
function peak(browser) {
    const children = new Map();
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
            const parent = Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]);
            children.set(parent, [...(children.get(parent) ?? []), Number(id)]);
        } catch {
            // It has ended meanwhile.
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

// First visits, each in a fresh profile, in turn; then a second one in the same profile.
const browser = await launch();
for (const [label, throttled] of /** @type {const} */ ([["first visit to first answer", false], ["first visit to first answer, 10 Mbit/s", true]])) {
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
            first.get(runner)?.push(await page.evaluate(() => Reflect.get(window, "bench").firstAnswer));
            sent.set(runner, server.sent());
            await open(page, runner);
            second.get(runner)?.push(await page.evaluate(() => Reflect.get(window, "bench").firstAnswer));
            await context.close();
        }
    }
    for (const runner of chosen) record(runner, label, "ms", first.get(runner) ?? []);
    if (throttled) continue;
    for (const runner of chosen) record(runner, "second visit to first answer", "ms", second.get(runner) ?? []);
    for (const runner of chosen) record(runner, "transferred, gzip", "kB", [(sent.get(runner) ?? 0) / 1000]);
}

// Steady work: all tabs are open, one at a time computes.
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
    const answer = await call(page, "answer");
    expected ??= answer;
    const off = Math.max(...answer.map((value, index) => Math.abs(value - (expected?.[index] ?? NaN))));
    if (!(off < 1e-2)) throw new Error(`${runner.name} on ${runner.device} answers otherwise: a probability is off by ${off}`);
}
for (const [runner, page] of pages) {
    if (runner.device !== "webgpu") continue;
    const { dispatches, shaders } = await call(page, "work");
    record(runner, "dispatches for one answer", "", [dispatches]);
    record(runner, "shaders compiled", "", [shaders]);
}
for (const what of ["network", "poster"]) {
    /** @type {Map<Runner, number[]>} */
    const figures = new Map(chosen.map((runner) => [runner, []]));
    for (let round = 0; round < rounds; round++) {
        for (const [runner, page] of pages) {
            // A software GPU takes seconds for what a processor does in milliseconds.
            if (runner.device === "webgpu" && !options.gpu && round >= Math.max(3, rounds / 5)) continue;
            for (let again = 0; again < (runner.device === "cpu" ? 5 : 1); again++) {
                await page.bringToFront();
                const took = await call(page, what);
                if (round) figures.get(runner)?.push(took);
            }
        }
    }
    for (const runner of chosen) record(runner, what === "network" ? "network alone" : "a poster, from its bytes", "ms", figures.get(runner) ?? []);
}
await browser.close();

// A hundred posters, and what the tab then has taken; each engine has the browser to itself.
const samples = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"].map((name) => `../www/samples/${name}.jpg`);
for (const runner of chosen) {
    if (runner.device === "webgpu" && !options.gpu) continue;
    const browserServer = await launchServer();
    const alone = await chromium.connect(browserServer.wsEndpoint());
    const page = await alone.newPage();
    await open(page, runner);
    const times = [];
    for (let round = 0; round < 3; round++) times.push(await call(page, "posters", Array.from({ length: 100 }, (_, index) => samples[index % samples.length])));
    record(runner, "100 posters from files", "ms", times);
    record(runner, "peak memory of the tab", "MB", [peak(browserServer.process().pid ?? 0) / 1e6]);
    await alone.close();
    await browserServer.close();
}
finish();
