/** The page while some of its packages are missing, as `cargo xtask serve` serves it at first. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { assertNativePredictions, poster, root, visitor } from "./harness.mjs";

const visit = visitor();

/**
 * Serves the page without the gpu and teach packages.
 *
 * @param {import("playwright-core").Page} page
 * @param {Record<string, string>} pending
 */
async function withoutPackages(page, pending) {
    const text = readFileSync(`${root}www/pkg/assets.js`, "utf8");
    const isMissing = (/** @type {string} */ line) => Object.keys(pending).some((name) => line.includes(`"pkg/${name}/`));
    const listed = text.split("\n").filter((line) => !isMissing(line)).join("\n");
    const body = listed.replace("pending = {}", `pending = ${JSON.stringify(pending)}`);
    assert.notEqual(body, listed);
    await page.route("**/pkg/assets.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    await page.route(/\/pkg\/(gpu|teach)\//, (route) => route.fulfill({ status: 404 }));
}

describe("while packages are being built", () => {
    test("the page classifies on the CPU and says what is missing", () => visit(async (marquee, page) => {
        await withoutPackages(page, { gpu: "building", teach: "building" });
        await marquee.open("?device=webgpu");
        await marquee.ready();
        await marquee.choose("poster.jpg", poster);
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        await page.getByText("the gpu package is still being built; reload the page in a few minutes").waitFor();

        await page.getByRole("button", { name: "Teach", exact: true }).click();
        await page.getByText("Training is not available yet: the teach package is still being built").waitFor();
    }, { webgpu: true }));

    test("the page says why a package could not be built", () => visit(async (marquee, page) => {
        await withoutPackages(page, { gpu: "no linker was found", teach: "the disk is full" });
        await marquee.open("?device=webgpu");
        await marquee.ready();
        await page.getByText("the gpu package could not be built: no linker was found").waitFor();
        await page.getByRole("button", { name: "Teach", exact: true }).click();
        await page.getByText("the teach package could not be built: the disk is full").waitFor();
    }, { webgpu: true }));

    test("the page is not saved for visits without a network", () => visit(async (marquee, page) => {
        await withoutPackages(page, { gpu: "building", teach: "building" });
        const listed = readFileSync(`${root}www/pkg/files.js`, "utf8");
        const body = `${listed}self.MARQUEE_SITE.pending = { gpu: 'building' };`;
        await page.context().route("**/pkg/files.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
        const started = page.context().waitForEvent("serviceworker");
        await marquee.open("?device=cpu");
        await marquee.ready();
        await started;
        const saved = await page.evaluate(async () => {
            const registration = await navigator.serviceWorker.getRegistration();
            const worker = registration?.installing ?? registration?.waiting ?? registration?.active;
            if (!worker) return "nothing";
            while (worker.state === "installing") await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
            return worker.state;
        });
        assert.ok(["nothing", "redundant"].includes(saved), saved);
    }, { serviceWorkers: "allow" }));
});
