/** Answers that are taken along, and posters that come from elsewhere. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { assertNativePredictions, Marquee, poster, root, screenshot, url, visitor } from "./harness.mjs";

const visit = visitor();

/** A page of another origin. Browsers keep public sites from embedding local ones, so it is served, not just routed. */
const elsewhere = createServer((request, response) => {
    if (request.url?.endsWith(".jpg")) response.writeHead(200, { "content-type": "image/jpeg" }).end(poster);
    else response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Elsewhere</title>");
});
let foreign = "";
before(async () => {
    await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", () => resolve(undefined)));
    const bound = elsewhere.address();
    foreign = typeof bound === "object" ? `http://127.0.0.1:${bound?.port}` : "";
});
after(() => elsewhere.close());

/** Opens the sample and the dialog. @param {Marquee} marquee @param {string} [query] */
async function openDialog(marquee, query = "?device=cpu") {
    await marquee.open(query);
    await marquee.ready();
    await marquee.choose("lighthouse.jpg", poster);
    await marquee.waitForResult();
    await marquee.page.getByRole("button", { name: "Share" }).click();
    return marquee.page.getByRole("dialog", { name: "Take it along" });
}

describe("an answer", () => {
    test("is copied as text, with a link to the settings", () => visit(async (marquee, page) => {
        const dialog = await openDialog(marquee, "?device=cpu&top=2");
        const copied = () => page.evaluate(() => navigator.clipboard.readText());
        const genres = await marquee.topGenres();
        assert.equal(genres.length, 2);
        await dialog.getByRole("button", { name: "Copy text" }).click();
        await dialog.getByText("The text is copied.").waitFor();
        const [text, address] = (await copied()).split("\n");
        assert.match(text ?? "", new RegExp(`^lighthouse: ${genres.map(({ genre }) => `${genre} [\\d.]+%`).join(", ")}\\. `));
        assert.equal(address, `${url}?device=cpu&top=2`);
        await dialog.getByRole("button", { name: "Copy link" }).click();
        await dialog.getByText("The link is copied.").waitFor();
        assert.equal(await copied(), address);
        await screenshot(page, "share-1280");
    }, { permissions: ["clipboard-read", "clipboard-write"] }));

    test("is saved as a picture of the poster, the evidence and the genres", () => visit(async (marquee, page) => {
        const dialog = await openDialog(marquee);
        await dialog.getByRole("img", { name: "Picture to share: lighthouse and its genres" }).waitFor();
        const download = page.waitForEvent("download");
        await dialog.getByRole("button", { name: "Save picture" }).click();
        assert.equal((await download).suggestedFilename(), "lighthouse.marquee.png");
        const png = readFileSync(await (await download).path());
        assert.equal(png.toString("latin1", 1, 4), "PNG");
        assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1200, 630]);
        // Poster and evidence are different pictures, and neither is empty.
        const colours = await dialog.locator("canvas").evaluate((canvas) => {
            const context = canvas instanceof HTMLCanvasElement ? canvas.getContext("2d") : null;
            return [210, 590].map((x) => Array.from({ length: 9 }, (_, index) => String(context?.getImageData(x, 100 + 50 * index, 1, 1).data)));
        });
        for (const column of colours) assert.ok(new Set(column).size > 5, String(column));
        assert.notDeepEqual(colours[0], colours[1]);
        await dialog.getByRole("button", { name: "Close" }).click();
        await dialog.waitFor({ state: "hidden" });
    }));

    test("goes to the system's dialog as text, link and picture", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            Object.assign(navigator, {
                canShare: () => true,
                share: async (/** @type {ShareData} */ data) => {
                    Reflect.set(window, "shared", { ...data, files: data.files?.map(({ name, type }) => `${name} ${type}`) });
                },
            });
        });
        const dialog = await openDialog(marquee);
        // The picture is being encoded for a moment.
        await page.waitForFunction(() => {
            const button = document.querySelector("#share-send");
            if (!Reflect.get(window, "shared")?.files && button instanceof HTMLElement) button.click();
            return Reflect.get(window, "shared")?.files;
        });
        await dialog.getByRole("button", { name: "Share" }).click();
        const { text, url: address, files } = await page.evaluate(() => Reflect.get(window, "shared"));
        assert.match(text, /^lighthouse: /);
        assert.equal(address, `${url}?device=cpu`);
        assert.deepEqual(files, ["lighthouse.marquee.png image/png"]);
    }));
});

describe("a poster from elsewhere", () => {
    test("that the system shares with the installed page is classified, and only once", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await page.evaluate(() => navigator.serviceWorker.ready);
        await page.waitForFunction(() => navigator.serviceWorker.controller);
        const type = await page.evaluate(async () => {
            const form = new FormData();
            const picture = await (await fetch("samples/lighthouse.jpg")).blob();
            form.append("title", "A poster");
            form.append("posters", new File([picture], "from phone.jpg", { type: "image/jpeg" }));
            // The browser follows the redirect itself; scripts see only that there is one.
            return (await fetch("share", { method: "POST", body: form, redirect: "manual" })).type;
        });
        assert.equal(type, "opaqueredirect");
        await marquee.open("?open=shared");
        await page.getByRole("img", { name: "Poster: from phone.jpg" }).waitFor();
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
        assert.equal(page.url(), url);
        assert.deepEqual(await page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("shared"))), []);
        await marquee.open("?open=shared");
        await page.getByText("No poster arrived.").waitFor();
    }, { serviceWorkers: "allow" }));

    test("that the system opens with the installed page is classified", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            Object.defineProperty(window, "launchQueue", { value: { setConsumer: (/** @type {Function} */ consumer) => Reflect.set(window, "launch", consumer) } });
        });
        await marquee.open("?device=cpu");
        await page.waitForFunction(() => Reflect.get(window, "launch"));
        await page.evaluate(async () => {
            const picture = await (await fetch("samples/lighthouse.jpg")).blob();
            Reflect.get(window, "launch")({ files: [{ getFile: async () => new File([picture], "opened.jpg") }] });
        });
        await page.getByRole("img", { name: "Poster: opened.jpg" }).waitFor();
        await marquee.waitForResult();
        await assertNativePredictions(marquee);
    }));

    for (const how of ["opens", "embeds"]) {
        test(`that a page hands over which ${how} this one is classified, with its origin, and nothing goes back`, () => visit(async (_, page) => {
            await page.goto(`${foreign}/`);
            const opening = how === "opens" ? page.waitForEvent("popup") : undefined;
            await page.evaluate(([how, address = ""]) => {
                Reflect.set(window, "received", []);
                window.addEventListener("message", async ({ data, source }) => {
                    Reflect.get(window, "received").push(data);
                    const picture = await (await fetch("poster.jpg")).blob();
                    /** @type {Window} */ (source).postMessage({ type: "marquee:classify", poster: "not a picture" }, "*");
                    /** @type {Window} */ (source).postMessage({ type: "marquee:classify", poster: picture, name: "handed over" }, "*");
                });
                if (how === "opens") open(address);
                else document.body.append(Object.assign(document.createElement("iframe"), { src: address, width: "1000", height: "800" }));
            }, [how, `${url}?device=cpu`]);
            const marquee = opening ? new Marquee(await opening) : undefined;
            const frame = marquee ? marquee.page.mainFrame() : await (await page.waitForSelector("iframe")).contentFrame();
            assert.ok(frame);
            await frame.getByRole("img", { name: "Poster: handed over" }).waitFor();
            await frame.getByText(`handed over comes from ${foreign}. Nothing is sent back.`).waitFor();
            await frame.waitForFunction(() => !document.querySelector("[aria-busy=true]") && document.querySelectorAll("#top li").length);
            if (marquee) await assertNativePredictions(marquee);
            assert.deepEqual(await page.evaluate(() => Reflect.get(window, "received")), [{ type: "marquee:ready" }]);
        }));
    }

    test("that another window sends is ignored", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.waitForResult();
        await page.evaluate(() => window.postMessage({ type: "marquee:classify", poster: new Blob(["x"]), name: "self" }, "*"));
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
        assert.equal(await page.locator("#stamp").isVisible(), true);
    }));
});

describe("the manifest", () => {
    /** @type {{ id: string, screenshots: { src: string, sizes: string }[], icons: { src: string }[], shortcuts: { url: string }[], share_target: { action: string, params: { files: { name: string }[] } } }} */
    const manifest = JSON.parse(readFileSync(`${root}www/marquee.webmanifest`, "utf8"));

    test("names screenshots of the size that it says", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        for (const { src, sizes } of manifest.screenshots) {
            const size = await page.evaluate(async (src) => {
                const image = Object.assign(new Image(), { src });
                await image.decode();
                return `${image.naturalWidth}x${image.naturalHeight}`;
            }, src);
            assert.equal(size, sizes, src);
        }
    }));

    test("has shortcuts that open their part of the page", () => visit(async (marquee, page) => {
        const [camera, teach] = manifest.shortcuts.map(({ url }) => url.slice(2));
        await marquee.open(camera);
        await page.getByRole("dialog", { name: "Poster from the camera" }).waitFor();
        await marquee.open(teach);
        await page.getByRole("heading", { name: "Teach" }).waitFor();
    }));

    test("shares to the address and the field that the service worker takes", () => {
        const worker = readFileSync(`${root}www/sw.js`, "utf8");
        assert.ok(worker.includes("${scope.pathname}share`") && manifest.share_target.action === "./share");
        assert.ok(worker.includes(`form.getAll("${manifest.share_target.params.files[0]?.name}")`));
    });
});
