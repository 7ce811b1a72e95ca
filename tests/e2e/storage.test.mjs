/** The visitor's models in this browser's storage: of an older version, in two tabs, and with a failing database. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";

import { Marquee, manifest, poster, root, sample, url, visitor, withManifest } from "./harness.mjs";
import { addKnownGenre, openTeach, prepare, useModel } from "./teach-view.mjs";

const visit = visitor();

/** @typedef {import("playwright-core").Page} Page */

/** The built-in model with another name for Drama, as a file. */
const renamed = withManifest(readFileSync(`${root}www/model/model.json`, "utf8").replace('"name": "Drama"', '"name": "Stage play"'));

/** Another tab of the same visitor. @param {Page} page */
async function secondTab(page) {
    const marquee = await new Marquee(await page.context().newPage()).open("?device=cpu");
    return marquee.ready();
}

/** @param {Page} page @param {string} title */
async function nameIt(page, title) {
    await page.getByLabel("Name", { exact: true }).fill(title);
    await page.getByRole("button", { name: "Done" }).click();
}

/** Adds a poster: a model of the visitor's own is made for it. @param {Page} page */
async function makeModel(page) {
    await openTeach(page);
    await page.getByLabel("Add training posters").setInputFiles(sample);
    await page.locator(".training-poster").waitFor();
}

/** Writes a database as version 0.1 of the page did, with one trained model, and keeps it open if `open`. @param {Page} page */
async function writeVersion1(page, open = false) {
    await page.route("**/trained.safetensors", (route) => route.fulfill({ body: renamed }));
    await page.goto(`${url}embed.html`);
    await page.evaluate(async (open) => {
        const file = await (await fetch("trained.safetensors")).blob();
        const picture = await (await fetch("samples/lighthouse.jpg")).blob();
        const request = indexedDB.open("marquee", 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore("networks", { keyPath: "id", autoIncrement: true });
            request.result.createObjectStore("examples", { keyPath: "id", autoIncrement: true }).createIndex("network", "network");
        };
        const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
        const transaction = database.transaction(["networks", "examples"], "readwrite");
        transaction.objectStore("networks").put({
            name: "Old plays", base: null, file, genres: ["Stage play"], added: [], renamed: [["Drama", "Stage play"]],
            judgement: null, cut: null, earlier: [{ file: null, judgement: null }],
        });
        for (const name of ["a.jpg", "b.jpg"]) {
            transaction.objectStore("examples").put({ network: 1, name, file: picture, genres: name === "a.jpg" ? ["Stage play"] : [] });
        }
        await new Promise((resolve) => (transaction.oncomplete = resolve));
        localStorage.setItem("marquee.network", "1");
        if (open) Reflect.set(window, "database", database);
        else database.close();
    }, open);
}

/** Asserts that the page has the model of version 0.1 with all that it had. @param {Marquee} marquee @param {Page} page */
async function hasOldModel(marquee, page) {
    await openTeach(page);
    await page.locator(".training-poster").nth(1).waitFor();
    assert.deepEqual(await page.locator(".training-poster .file").allTextContents(), ["a.jpg", "b.jpg"]);
    await page.locator("#teach-genres").getByText("1 of 2").waitFor();
    await page.getByRole("button", { name: "Undo the last training" }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await marquee.choose("poster.jpg", poster);
    await page.locator("#all-genres").getByText("Stage play").waitFor();
    await page.getByText("with “Old plays”").first().waitFor();
}

describe("the models of version 0.1", () => {
    test("are there after the upgrade, and after a second visit", () => visit(async (marquee, page) => {
        await writeVersion1(page);
        for (let visits = 0; visits < 2; visits++) {
            await marquee.open("?device=cpu");
            await marquee.ready();
            await hasOldModel(marquee, page);
        }
        await openTeach(page);
        await page.getByRole("button", { name: "Undo the last training" }).click();
        await page.getByText("The last training was undone.").waitFor();
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.choose("poster.jpg", poster);
        await page.locator("#all-genres").getByText("Drama").waitFor();
    }));

    test("appear once a tab that holds the old database is closed; until then the built-in model classifies", () => visit(async (marquee, page) => {
        const old = await page.context().newPage();
        await writeVersion1(old, true);
        await marquee.open("?device=cpu");
        await marquee.ready();
        await marquee.choose("poster.jpg", poster);
        await page.locator("#all-genres").getByText("Drama").waitFor();
        await openTeach(page);
        await page.getByText("Your models are in use by a tab with an older version of Marquee.").waitFor();
        await old.close();
        await page.locator("#model option").filter({ hasText: "Old plays" }).waitFor({ state: "attached" });
        await page.getByRole("button", { name: "Close" }).click();
        await hasOldModel(marquee, page);
    }));
});

describe("a change", () => {
    test("writes neither the model's bundles nor other fields", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            const { add, put } = IDBObjectStore.prototype;
            /** @type {string[]} */
            const written = [];
            Reflect.set(window, "written", written);
            const note = (/** @type {unknown} */ value) => {
                if (value instanceof Blob) written.push(`bundle of ${value.size}`);
                else for (const [name, field] of Object.entries(Object(value))) if (field instanceof Blob) written.push(`${name} of ${field.size}`);
            };
            /** @param {any} value @param {IDBValidKey} [key] */
            IDBObjectStore.prototype.add = function (value, key) { note(value); return add.call(this, value, key); };
            /** @param {any} value @param {IDBValidKey} [key] */
            IDBObjectStore.prototype.put = function (value, key) {
                note(value);
                const request = put.call(this, value, key);
                request.transaction?.addEventListener("complete", () => Reflect.set(window, "saved", JSON.stringify(value)));
                return request;
            };
        });
        await marquee.open("?device=cpu");
        await marquee.ready();
        await openTeach(page);
        await page.getByLabel("Add training posters").setInputFiles({ name: "Plays.safetensors", mimeType: "", buffer: renamed });
        await page.getByText("“Plays” is now in use.").waitFor();
        const written = () => page.evaluate(() => Reflect.get(window, "written"));
        assert.deepEqual(await written(), [`bundle of ${renamed.length}`], "an imported model is its own base, and is saved once");
        await page.getByRole("button", { name: "Rename", exact: true }).click();
        await nameIt(page, "Theatre");
        await addKnownGenre(page, "Horror");
        await page.waitForFunction(() => Reflect.get(window, "saved")?.includes("Horror"));
        await page.reload();
        await marquee.ready();
        await openTeach(page);
        await page.locator("#teach-genres").getByText("Horror").waitFor();
        assert.equal(await page.getByLabel("Model", { exact: true }).locator("option:checked").innerText(), "Theatre");
        assert.deepEqual(await written(), []);
    }));

    test("is saved although the browser closed the database", () => visit(async (marquee, page) => {
        // Databases are closed as they are when another tab upgrades them.
        await page.addInitScript(() => {
            const { open } = IDBFactory.prototype;
            /** @param {string} name @param {number} [version] */
            IDBFactory.prototype.open = function (name, version) {
                const request = open.call(this, name, version);
                request.addEventListener("success", () => Reflect.set(window, "database", request.result));
                return request;
            };
        });
        await marquee.open("?device=cpu");
        await marquee.ready();
        await makeModel(page);
        await page.evaluate(() => Reflect.get(window, "database").close());
        await addKnownGenre(page, "Horror");
        await page.locator("#teach-genres").getByText("Horror").waitFor();
        await page.evaluate(() => Reflect.get(window, "database").dispatchEvent(new Event("versionchange")));
        await addKnownGenre(page, "Music");
        await page.locator("#teach-genres").getByText("Music").waitFor();
        assert.equal(await page.locator("#model-note").textContent(), "");
        await page.reload();
        await marquee.ready();
        await openTeach(page);
        for (const genre of ["Horror", "Music"]) await page.locator("#teach-genres").getByText(genre).waitFor();
    }));

    test("is tried again after a database could not be opened", () => visit(async (marquee, page) => {
        await page.addInitScript(() => {
            const { open } = IDBFactory.prototype;
            let fails = true;
            /** @param {string} name @param {number} [version] */
            IDBFactory.prototype.open = function (name, version) {
                if (fails) {
                    fails = false;
                    throw new DOMException("the disk failed", "UnknownError");
                }
                return open.call(this, name, version);
            };
        });
        await marquee.open("?device=cpu");
        await marquee.ready();
        await makeModel(page);
        assert.equal(await page.locator("#model-note").textContent(), "");
        const stored = await page.evaluate(async () => (await (await import(new URL("js/store.js", location.href).href)).models()).length);
        assert.equal(stored, 1);
    }));
});

test("a model that is refused before a slow database has answered is still shown as refused", () => visit(async (marquee, page) => {
    await page.addInitScript(() => {
        const { open } = IDBFactory.prototype;
        /** @this {IDBFactory} @param {[string, number?]} words */
        IDBFactory.prototype.open = function (...words) {
            const request = open.apply(this, words);
            Object.defineProperty(request, "onsuccess", {
                set: (/** @type {(event: Event) => void} */ listener) => request.addEventListener("success", (event) => setTimeout(() => {
                    listener.call(request, event);
                    Object.assign(window, { isOpen: true });
                }, 3000)),
            });
            return request;
        };
    });
    await marquee.open("?device=cpu");
    const model = `${mkdtempSync(`${tmpdir()}/marquee-`)}/model.safetensors`;
    writeFileSync(model, "{}");
    await marquee.drop([model]);
    const refused = page.getByText("model.safetensors: ");
    await refused.waitFor();
    assert.equal(await page.evaluate(() => Reflect.get(window, "isOpen")), undefined, "the database was slower");
    await page.waitForFunction(() => Reflect.get(window, "isOpen"));
    await page.waitForTimeout(500);
    assert.equal(await refused.isVisible(), true);
}));

test("a deleted model and its posters come back by Undo, and stay", () => visit(async (marquee, page) => {
    await marquee.open("?device=cpu");
    await prepare(marquee, page, 8);
    const ticked = await page.locator(".training-poster [aria-pressed=true], .training-poster :checked").count();
    assert.ok(ticked > 0);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete model" }).click();
    await page.getByText("“My model” was deleted.").waitFor();
    assert.equal(await page.locator(".training-poster").count(), 0);
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    const isBack = () => page.waitForFunction(() => document.querySelectorAll(".training-poster").length === 8);
    await isBack();
    await page.reload();
    await marquee.ready();
    await openTeach(page);
    await isBack();
    assert.equal(await page.locator(".training-poster [aria-pressed=true], .training-poster :checked").count(), ticked);
}));

describe("two tabs", () => {
    test("see each other's changes and lose none", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await makeModel(page);
        const second = await secondTab(page);
        const other = second.page;
        // Browsers draw only the tab in front, and Playwright waits for frames.
        await openTeach(other);
        await other.locator(".training-poster").waitFor();

        await page.bringToFront();
        await addKnownGenre(page, "Horror");
        await other.bringToFront();
        await other.locator("#teach-genres").getByText("Horror").waitFor();
        await addKnownGenre(other, "Music");
        await page.bringToFront();
        await page.locator("#teach-genres").getByText("Music").waitFor();
        await page.getByRole("button", { name: "Rename", exact: true }).click();
        await nameIt(page, "Shared");
        await other.bringToFront();
        await other.locator("#model option").filter({ hasText: "Shared" }).waitFor({ state: "attached" });
        await page.bringToFront();
        await page.locator(".training-poster").getByRole("button", { name: "Music" }).click();
        await other.bringToFront();
        await other.locator("#teach-genres").getByText("1 of 1").waitFor();
        await other.getByLabel("Add training posters").setInputFiles(`${root}www/samples/cellar.jpg`);
        await page.bringToFront();
        await page.locator(".training-poster").nth(1).waitFor();

        await page.getByRole("button", { name: "Delete", exact: true }).click();
        await page.getByRole("button", { name: "Delete model" }).click();
        await other.bringToFront();
        await other.waitForFunction(() => document.querySelectorAll("#model option").length === 1);
        await page.bringToFront();
        await page.reload();
        await marquee.ready();
        await openTeach(page);
        assert.equal(await page.getByLabel("Model", { exact: true }).locator("option").count(), 1);
    }));

    test("do not train or delete the same model at once, and a training brings no deleted model back", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await prepare(marquee, page, 8);
        await page.getByLabel("Steps").fill("10000");
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByText(/^Step [\d,]+ of 10,000/).waitFor({ timeout: 120_000 });

        // In this tab, what would change the training's model or posters is disabled.
        for (const id of ["model", "use-model", "remove-model", "teach-file", "known-genre", "add-known-genre", "new-genre"]) {
            assert.equal(await page.locator(`#${id}`).isDisabled(), true, id);
        }
        await marquee.drop([`${root}README.md`]);
        await page.getByText("A training is running. Wait until it ends, or stop it.").waitFor();
        assert.equal(await page.locator(".training-poster").count(), 8);

        const { page: other } = await secondTab(page);
        await openTeach(other);
        await other.getByRole("button", { name: "Train", exact: true }).click();
        await other.getByText("“My model” is being trained in another tab.").waitFor();
        await other.getByRole("button", { name: "Delete", exact: true }).click();
        await other.getByRole("button", { name: "Delete model" }).click();
        await other.locator("#model-note").getByText("“My model” is being trained in another tab.").waitFor();

        // A browser without locks would delete it; the next checkpoint must not bring it back.
        await other.evaluate(async () => {
            const store = await import(new URL("js/store.js", location.href).href);
            const [model] = await store.models();
            await store.deleteModel(model.id);
        });
        await page.bringToFront();
        await page.getByText("it was deleted in another tab").waitFor();
        await page.getByRole("button", { name: "Stop" }).click();
        await page.getByText(/Trained on 8 posters/).waitFor();
        assert.deepEqual(await other.evaluate(async () => (await (await import(new URL("js/store.js", location.href).href)).models()).length), 0);
        // This tab keeps the model until it is closed.
        assert.equal(await page.getByLabel("Model", { exact: true }).locator("option:checked").innerText(), "My model");
        assert.ok(manifest.genres.length > 0);
    }));
});
