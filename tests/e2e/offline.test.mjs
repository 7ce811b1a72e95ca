/** The service worker: visits without a network, new versions, and failing hosts and disks. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, describe, test } from "node:test";
import { runInNewContext } from "node:vm";

import { Marquee, assertNativePredictions, poster, root, screenshot, visitor } from "./harness.mjs";
import { serveFolder } from "./site.mjs";

const visitAnyhow = visitor();
/** @param {Parameters<typeof visitAnyhow>[0]} work @param {Parameters<typeof visitAnyhow>[1]} [options] */
const visit = (work, options) => visitAnyhow(work, { serviceWorkers: "allow", ...options });

/** A copy of the page on a server of its own, whose files the tests change. */
const site = mkdtempSync(`${tmpdir()}/marquee-site-`);
let address = "";
/** The paths that browsers asked the server for. @type {string[]} */
const requested = [];
/** @type {Awaited<ReturnType<typeof serveFolder>>} */
let server;

before(async () => {
    cpSync(`${root}www`, site, { recursive: true });
    server = await serveFolder(site, { onRequest: (path) => requested.push(path) });
    address = server.address;
});
after(() => server.close());

/**
 * Publishes a new version of the page; returns its name.
 *
 * @param {string} change  text added to the style sheet
 * @param {Record<string, (text: string) => string>} [changes]  of other files
 */
function publish(change, changes = {}) {
    const list = readFileSync(`${root}www/pkg/files.js`, "utf8");
    const site_ = JSON.parse(list.slice(list.indexOf("{"), list.lastIndexOf("}") + 1));
    for (const [path, edit] of Object.entries({ "style.css": (/** @type {string} */ text) => text + change, ...changes })) {
        const text = edit(readFileSync(`${root}www/${path}`, "utf8"));
        writeFileSync(`${site}/${path}`, text);
        site_.files[path] = { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
    }
    site_.version = createHash("sha256").update(JSON.stringify(site_.files)).digest("hex").slice(0, 12);
    writeFileSync(`${site}/pkg/files.js`, `self.MARQUEE_SITE = ${JSON.stringify(site_)};`);
    return site_.version;
}

/**
 * Opens the page and waits until all of it is saved.
 *
 * @param {Marquee} marquee
 */
async function visitAndSave(marquee, query = "?device=cpu") {
    await marquee.page.goto(address + query);
    await marquee.ready();
    await marquee.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await marquee.page.waitForTimeout(500);
}

/**
 * Opens an address while the network is off.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} address
 */
async function gotoOffline(page, address) {
    await page.goto(address);
    // If the page moves to another process, Chromium keeps the network off but forgets `navigator.onLine`.
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
}

describe("without a network", () => {
    test("a second visit classifies on the CPU and on WebGPU", () => visit(async (marquee, page) => {
        publish("");
        await visitAndSave(marquee, "?device=webgpu");
        // The GPU package is saved once WebGPU is in use.
        const isSaved = () => page.evaluate(async () => {
            const names = await caches.keys();
            const cache = await caches.open(names.find((name) => name.startsWith("marquee-")) ?? "");
            const files = ["pkg/gpu/marquee_bg.wasm", "pkg/gpu/marquee.js"].map((file) => cache.match(file));
            return (await Promise.all(files)).every((found) => found !== undefined);
        });
        const deadline = Date.now() + 120_000;
        while (!(await isSaved())) {
            assert.ok(Date.now() < deadline, "the gpu package was not saved");
            await page.waitForTimeout(200);
        }
        await page.context().setOffline(true);
        for (const [query, device] of [["?device=cpu", "CPU"], ["?device=webgpu", "WebGPU"]]) {
            await gotoOffline(page, address + query);
            await page.getByText("You are offline").waitFor();
            await marquee.choose("lighthouse.jpg", poster);
            await marquee.waitForResult();
            await assertNativePredictions(marquee);
            assert.equal(await marquee.device.textContent(), device, (await page.locator("#note").textContent()) ?? "");
        }
        await page.getByRole("button", { name: "Sample: Two Under One" }).click();
        await marquee.waitForResult();
        assert.equal(await marquee.error.textContent(), "");
        await screenshot(page, "offline-1280");
        // These parts are loaded when they are used.
        await page.getByRole("button", { name: "Teach", exact: true }).click();
        await page.getByRole("heading", { name: "Teach", exact: true }).waitFor();
        await page.getByRole("button", { name: "About the model" }).click();
        await page.getByRole("heading", { name: "How good it is" }).waitFor();
    }, { webgpu: true }));

    test("the page can be installed", () => visit(async (marquee, page) => {
        publish("");
        await visitAndSave(marquee);
        const session = await page.context().newCDPSession(page);
        const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
        assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"), []);
    }));
});

describe("a new version", () => {
    test("is announced, and replaces the old one when the visitor accepts", () => visit(async (marquee, page) => {
        publish("");
        await visitAndSave(marquee);
        const version = () => page.evaluate(async () => (await (await fetch("pkg/files.js")).text()).match(/"version": ?"(\w+)"/)?.[1]);
        const old = await version();
        const fresh = publish("/* new */");
        await page.reload();
        await page.getByText("A new version of Marquee is ready.").waitFor();
        await screenshot(page, "update-1280");
        assert.equal(await version(), old, "until then every file is of the old version");
        assert.doesNotMatch(await page.evaluate(async () => (await fetch("style.css")).text()), /new/);
        const other = await page.context().newPage();
        const second = new Marquee(other);
        await other.goto(`${address}?device=cpu`);
        await second.ready();
        await other.getByText("A new version of Marquee is ready.").waitFor();

        await page.bringToFront();
        await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Update now" }).click()]);
        assert.equal(await version(), fresh);
        assert.match(await page.evaluate(async () => (await fetch("style.css")).text()), /new/);
        assert.deepEqual(await page.evaluate(() => caches.keys()), [`marquee-${fresh}`]);
        // The other tab keeps its state, shows the update, and still classifies.
        await other.getByText("Marquee was updated in another tab.").waitFor();
        await second.choose("lighthouse.jpg", poster);
        await second.waitForResult();
        await assertNativePredictions(second);
    }));

    test("is found by a page that stays open, and fetches only the files that changed", () => visit(async (marquee, page) => {
        const eager = { "js/offline.js": (/** @type {string} */ text) => text.replace("UPDATE_INTERVAL = 3_600_000", "UPDATE_INTERVAL = 0") };
        publish("", eager);
        await visitAndSave(marquee);
        requested.length = 0;
        publish("/* new */", eager);
        // The visitor returns to the tab.
        await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
        await page.getByText("A new version of Marquee is ready.").waitFor();
        // The browser itself compares the service worker and what it imports.
        const unchanged = requested.filter((path) => !["style.css", "sw.js", "pkg/files.js", "js/sha256.js"].includes(path));
        assert.deepEqual(unchanged, []);
        assert.ok(requested.includes("style.css"), requested.join());
        // The offline.js of later tests is the real one.
        publish("", { "js/offline.js": (text) => text });
    }));

    test("keeps the GPU package of the old one", () => visit(async (marquee, page) => {
        publish("");
        await visitAndSave(marquee);
        const hasGpu = () => page.evaluate(async () => (await caches.match("pkg/gpu/marquee_bg.wasm")) !== undefined);
        assert.equal(await hasGpu(), false);
        await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.postMessage("keep gpu"));
        while (!(await hasGpu())) await page.waitForTimeout(100);
        requested.length = 0;
        const fresh = publish("/* new */");
        await page.reload();
        await page.getByText("A new version of Marquee is ready.").waitFor();
        await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Update now" }).click()]);
        assert.deepEqual(await page.evaluate(() => caches.keys()), [`marquee-${fresh}`]);
        assert.equal(await hasGpu(), true);
        assert.deepEqual(requested.filter((path) => path.startsWith("pkg/gpu/")), []);
    }));

    test("with a wrong file does not replace the old one", () => visit(async (marquee, page) => {
        publish("");
        await visitAndSave(marquee);
        publish("/* half */");
        writeFileSync(`${site}/style.css`, "body { color: red }"); // not the listed hash
        await page.reload();
        await marquee.ready();
        await page.waitForTimeout(3000);
        assert.equal(await page.locator("#update-text").textContent(), "");
        assert.equal((await page.evaluate(() => caches.keys())).length, 1);
        await page.context().setOffline(true);
        await page.reload();
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
    }));
});

describe("the service worker", () => {
    test("stays alive while it saves the GPU package", () => {
        /** @type {Map<string, (event: object) => void>} */
        const listeners = new Map();
        const self = {
            MARQUEE_SITE: { version: "1", files: {} },
            registration: { scope: "https://host/" },
            importScripts: () => {},
            addEventListener: (/** @type {string} */ type, /** @type {(event: object) => void} */ listener) => listeners.set(type, listener),
        };
        runInNewContext(readFileSync(`${root}www/sw.js`, "utf8"), { self, URL });
        /** @type {unknown[]} */
        const awaited = [];
        listeners.get("message")?.({ data: "keep gpu", waitUntil: (/** @type {unknown} */ work) => awaited.push(work) });
        assert.equal(awaited.length, 1);
    });
});

describe("the page is safe from", () => {
    test("code of another version, which it does not run", () => visitAnyhow(async (marquee, page) => {
        publish("");
        await page.route("**/pkg/cpu*/*.wasm", async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, body: Buffer.concat([await response.body(), Buffer.from([0])]) });
        });
        await page.goto(`${address}?device=cpu`);
        await page.getByText(/marquee_bg\.wasm belongs to another version of the page; reload the page/).waitFor();
    }));

    test("a full disk, which prevents only offline visits", () => visit(async (marquee, page) => {
        publish("");
        const session = await page.context().newCDPSession(page);
        await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(address).origin, quotaSize: 100_000 });
        await page.goto(`${address}?device=cpu`);
        await marquee.choose("lighthouse.jpg", poster);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        await page.waitForTimeout(3000);
        assert.deepEqual(await page.evaluate(() => caches.keys()), [], "part of a version must not be kept");
    }));
});
