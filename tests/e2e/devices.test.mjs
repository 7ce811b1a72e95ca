/** The race between CPU and GPU, with workers that only pretend to compute. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";

import { Devices } from "../../www/marquee/devices.js";
import { Pool } from "../../www/marquee/pool.js";

const PREDICTIONS = [{ genre: "Drama", probability: 0.5 }];
const manifest = /** @type {any} */ ({ input: { width: 4, height: 6 } });

/** What the workers did, in order: "cpu classify", "cpu measured" and so on. @type {string[]} */
let log = [];
/** Milliseconds that each device's measurements report, in turn; the last one stays. @type {Record<string, number[]>} */
let speeds = {};
/** Requests that wait for the test, by their argument. @type {Map<unknown, () => void>} */
let held = new Map();

/** Whether measurements wait for the test, too. */
let holdsMeasurement = false;

/** @param {string} name @returns {any} */
function connection(name) {
    let id = 0;
    return {
        ready: Promise.resolve({}), isReady: true, wasReady: true, close() {},
        request(/** @type {string} */ method, /** @type {any} */ argument) {
            const answer = async () => {
                if (method === "classify") {
                    log.push(`${name} classifies ${argument}`);
                    await new Promise((resolve) => held.set(argument, () => resolve(undefined)));
                    log.push(`${name} classified ${argument}`);
                    return [];
                }
                if (argument.runs > 1) log.push(`${name} is measured`);
                if (argument.runs > 1 && holdsMeasurement) await new Promise((resolve) => held.set("measurement", () => resolve(undefined)));
                const times = speeds[name] ?? [];
                return { predictions: PREDICTIONS, milliseconds: (argument.runs > 1 && times.length > 1 ? times.shift() : times[0]) ?? 1 };
            };
            return { id: ++id, result: answer(), cancel() {} };
        },
    };
}

/** @returns {{ devices: Devices, changes: string[] }} */
function create() {
    /** @type {string[]} */
    const changes = [];
    const cpu = new Pool(() => connection("cpu"), { size: 2 });
    const prepare = () => ({ connect: () => connection("gpu"), downloaded: Promise.resolve() });
    const devices = new Devices(cpu, prepare, (device, reason) => changes.push(`${device} ${reason?.code ?? ""}`.trim()));
    return { devices, changes };
}

/** Lets all that can go on go on. */
async function settle() {
    for (let turn = 0; turn < 60; turn++) await null;
}

/** @param {Devices} devices @param {string} poster @param {boolean} [urgent] */
function classify(devices, poster, urgent = false) {
    return devices.run("classify", /** @type {any} */ (poster), { posters: 1, urgent });
}

describe("the race between CPU and GPU", () => {
    const { navigator } = globalThis;
    beforeEach(() => {
        log = [];
        held = new Map();
        speeds = { cpu: [50], gpu: [20] };
        mock.timers.enable({ apis: ["setTimeout"] });
        Object.defineProperty(globalThis, "navigator", { configurable: true, value: { gpu: { requestAdapter: async () => ({}) } } });
    });
    afterEach(() => {
        mock.timers.reset();
        Object.defineProperty(globalThis, "navigator", { configurable: true, value: navigator });
    });

    test("is measured while nothing else runs; a batch waits for it", async () => {
        const { devices, changes } = create();
        classify(devices, "a");
        await settle();
        const started = devices.startGpu(manifest, false);
        await settle();
        classify(devices, "b");
        await settle();
        assert.deepEqual(log, ["cpu classifies a"], "it waits for a, and b waits for it");
        held.get("a")?.();
        await started;
        await settle();
        assert.deepEqual(log, ["cpu classifies a", "cpu classified a", "gpu is measured", "cpu is measured", "cpu classifies b"]);
        assert.deepEqual(changes, ["webgpu"]);
        devices.close();
    });

    test("does not delay a poster that a visitor waits for, and is repeated after it", async () => {
        const { devices, changes } = create();
        holdsMeasurement = true;
        const started = devices.startGpu(manifest, false);
        await settle();
        assert.deepEqual(log, ["gpu is measured"]);
        classify(devices, "visitor's", true);
        await settle();
        assert.deepEqual(log, ["gpu is measured", "cpu classifies visitor's"]);
        holdsMeasurement = false;
        held.get("visitor's")?.();
        held.get("measurement")?.();
        await started;
        assert.deepEqual(log.slice(2), ["cpu classified visitor's", "cpu is measured", "gpu is measured", "cpu is measured"]);
        assert.deepEqual(changes, ["webgpu"]);
        devices.close();
    });

    test("is run again after a pause if the GPU was slower, but not for ever", async () => {
        speeds = { cpu: [50], gpu: [80, 80, 20] };
        const { devices, changes } = create();
        await devices.startGpu(manifest, false);
        assert.deepEqual(changes, ["cpu cpu-faster"]);
        mock.timers.tick(120_000);
        await settle();
        assert.deepEqual(changes, ["cpu cpu-faster", "cpu cpu-faster"]);
        mock.timers.tick(599_000);
        await settle();
        assert.equal(changes.length, 2, "each pause is longer");
        mock.timers.tick(1_000);
        await settle();
        assert.deepEqual(changes, ["cpu cpu-faster", "cpu cpu-faster", "webgpu"]);
        devices.close();

        speeds = { cpu: [50], gpu: [80] };
        const slow = create();
        await slow.devices.startGpu(manifest, false);
        for (let time = 0; time < 10; time++) {
            mock.timers.tick(100_000_000);
            await settle();
        }
        assert.equal(slow.changes.length, 4);
        slow.devices.close();
    });

    test("is not measured closely if the GPU is much slower", async () => {
        speeds = { cpu: [50], gpu: [900] };
        const { devices, changes } = create();
        await devices.startGpu(manifest, false);
        assert.deepEqual(log, []);
        assert.deepEqual(changes, ["cpu cpu-faster"]);
        devices.close();
    });

    test("does not take place where WebGPU was chosen", async () => {
        speeds = { cpu: [50], gpu: [900] };
        const { devices, changes } = create();
        await devices.startGpu(manifest, true);
        assert.deepEqual(log, []);
        assert.deepEqual(changes, ["webgpu"]);
        devices.close();
    });
});
