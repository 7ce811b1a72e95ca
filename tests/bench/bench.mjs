/** What the browser benchmarks share: options, Chromium, the server, and the output of results. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

/** @typedef {{ engine: string, device: string, metric: string, unit: string, median: number, low: number, high: number }} Result */

/** Reads the options and starts the server. */
export async function begin() {
    const { values: options } = parseArgs({
        options: { rounds: { type: "string", default: "15" }, json: { type: "string" }, only: { type: "string" }, against: { type: "string" }, gpu: { type: "boolean", default: false } },
    });
    const here = fileURLToPath(new URL(".", import.meta.url));
    const executablePath = required("MARQUEE_CHROMIUM");
    const args = required("MARQUEE_CHROMIUM_FLAGS").split(" ").filter((flag) => !(options.gpu && flag.includes("swiftshader")));
    const folders = { www: `${here}../../www`, bench: here, modules: `${here}node_modules`, made: required("MARQUEE_BENCH_MADE") };
    const server = await serve({ ...folders, ...(options.against && { against: options.against }) });
    const version = execFileSync(executablePath, ["--version"], { encoding: "utf8" }).trim();
    console.log(`${cpus()[0]?.model}, ${cpus().length} cores; ${version}; ${options.gpu ? "WebGPU on the real GPU" : "WebGPU on SwiftShader"}`);

    /** @type {Result[]} */
    const results = [];
    return {
        options,
        rounds: Number(options.rounds),
        server,
        launch: () => chromium.launch({ executablePath, args, headless: true }),
        launchServer: () => chromium.launchServer({ executablePath, args, headless: true }),
        /**
         * Prints and records the median of some measurements with their 10th and 90th percentiles.
         *
         * @param {{ name: string, device: string }} engine
         * @param {string} metric
         * @param {string} unit
         * @param {number[]} measured
         * @param {number} [digits]  after the decimal point
         */
        record({ name, device }, metric, unit, measured, digits = 1) {
            const sorted = measured.toSorted((a, b) => a - b);
            const percentile = (/** @type {number} */ share) => sorted[Math.round((sorted.length - 1) * share)] ?? NaN;
            const result = { engine: name, device, metric, unit, median: percentile(0.5), low: percentile(0.1), high: percentile(0.9) };
            results.push(result);
            console.log(`${metric.padEnd(44)} ${name.padEnd(27)} ${device.padEnd(7)} ${result.median.toFixed(digits).padStart(9)} ${unit}  (${result.low.toFixed(digits)} to ${result.high.toFixed(digits)})`);
        },
        /** Stops the server, and writes the results where `--json` says. */
        finish() {
            server.close();
            if (!options.json) return;
            mkdirSync(dirname(options.json), { recursive: true });
            writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
        },
    };
}

/** @param {string} name */
function required(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set; run this with: cargo xtask bench`);
    return value;
}
