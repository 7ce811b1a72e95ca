/** Untrusted names, manifests and files cannot harm the page. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { manifest, poster, root, url, visitor, withManifest } from "./harness.mjs";

const visit = visitor();

/** Changes the title if it is parsed as HTML. */
const EVIL = "<img src=x onerror=\"document.title='owned'\">";

/** Returns the built-in manifest with `EVIL` as the name of a genre. @param {number} index */
function evil(index) {
    const text = readFileSync(`${root}www/model/model.json`, "utf8");
    const name = manifest.genres[index]?.name;
    assert.ok(name && text.includes(`"name": "${name}"`));
    return text.replace(`"name": "${name}"`, `"name": ${JSON.stringify(EVIL)}`);
}

/** @param {import("playwright-core").Page} page */
async function isText(page) {
    // No picture of the page has the src "x".
    assert.equal(await page.locator("img[src='x']").count(), 0);
    assert.notEqual(await page.title(), "owned");
}

test("the content security policy allows only the page's own files", () => visit(async (marquee, page) => {
    const html = readFileSync(`${root}www/index.html`, "utf8");
    const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? "";
    const rules = new Map(policy.split("; ").map((rule) => [rule.split(" ")[0] ?? "", rule.split(" ").slice(1)]));
    assert.deepEqual(rules.get("default-src"), ["'none'"]);
    assert.deepEqual(rules.get("script-src"), ["'self'", "'wasm-unsafe-eval'"]);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|https?:|\*/);
    assert.doesNotMatch(html, /<script(?![^>]*src=)|\son\w+=|style="/);

    await marquee.open("?device=cpu");
    await marquee.ready();
    const blocked = await page.evaluate(async () => {
        /** @type {string[]} */
        const blocked = [];
        document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => blocked.push(effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<b onclick=\"document.title = 'owned'\" id=evil>x</b>");
        document.getElementById("evil")?.click();
        // In a timer, because code that the test evaluates is exempt.
        setTimeout(() => {
            try {
                new Function("document.title = 'owned'")();
            } catch {
                blocked.push("eval");
            }
        });
        await fetch("https://marquee.invalid/").catch(() => blocked.push("fetch"));
        new Image().src = "https://marquee.invalid/pixel";
        await new Promise((done) => setTimeout(done, 200));
        return [document.title, ...blocked];
    });
    assert.notEqual(blocked[0], "owned");
    for (const what of ["script-src-elem", "script-src-attr", "eval", "fetch", "connect-src", "img-src"]) {
        assert.ok(blocked.includes(what), `${what} is not among ${blocked}`);
    }
}));

test("a whole visit makes no request to another origin", () => visit(async (marquee, page) => {
    /** @type {string[]} */
    const requests = [];
    page.context().on("request", (request) => requests.push(request.url()));
    await marquee.open("?device=webgpu");
    await marquee.choose("poster.jpg", poster);
    await marquee.waitForResult();
    await marquee.genre(0).click();
    await marquee.file.setInputFiles([1, 2, 3].map((index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer: poster })));
    await page.getByText(/^3 in /).waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Teach", exact: true }).click();
    await page.getByRole("heading", { name: "Teach", exact: true }).waitFor();
    assert.ok(requests.length > 20, `${requests.length}`);
    const { origin } = new URL(url);
    const elsewhere = requests.filter((request) => !request.startsWith(`${origin}/`) && !/^(blob|data):/.test(request));
    assert.deepEqual(elsewhere, []);
}, { webgpu: true }));

describe("HTML is shown as text", () => {
    test("in the genres of a manifest", () => visit(async (marquee, page) => {
        await page.route("**/model/model.json", (route) => route.fulfill({ body: evil(manifest.genres.findIndex(({ name }) => name === "Drama")) }));
        await marquee.open("?device=cpu");
        await marquee.choose("poster.jpg", poster);
        await marquee.waitForResult();
        assert.ok((await marquee.all.allInnerTexts()).some((text) => text.includes(EVIL)));
        await page.getByRole("button", { name: "About the model" }).click();
        await page.getByRole("dialog").getByText(EVIL).first().waitFor();
        await isText(page);
    }));

    test("in an imported model's genres, name and posters", () => visit(async (marquee, page) => {
        await marquee.open("?device=cpu");
        await marquee.ready();
        await page.getByRole("button", { name: "Teach", exact: true }).click();
        await page.getByRole("heading", { name: "Teach", exact: true }).waitFor();
        const add = page.getByLabel("Add training posters");
        await add.setInputFiles({ name: `${EVIL}.safetensors`, mimeType: "", buffer: withManifest(evil(0)) });
        await page.getByText(`“${EVIL}” is now in use.`).waitFor();
        await add.setInputFiles({ name: `${EVIL}.jpg`, mimeType: "image/jpeg", buffer: poster });
        await page.locator(".training-poster").waitFor();
        await add.setInputFiles({ name: `${EVIL}.csv`, mimeType: "text/csv", buffer: Buffer.from(`Id,"${EVIL.replaceAll('"', '""')}"\nx,7\n`) });
        await page.locator("#teach-error").filter({ hasText: EVIL }).waitFor();
        await isText(page);
    }));
});

describe("an imported model is refused if its manifest has", () => {
    const original = readFileSync(`${root}www/model/model.json`, "utf8");
    for (const [what, change] of /** @type {[string, (text: string) => string][]} */ ([
        ["one genre more than the weights have", (text) => text.replace('"genres": [', '"genres": [{ "name": "More", "threshold": 0.5, "posters": 1 },')],
        ["an input of a gigapixel", (text) => text.replace(/"width": \d+/, '"width": 40000')],
        ["a weight file outside its folder", (text) => text.replace(/"file": "[^"]+"/, '"file": "../../secret"')],
        ["an unknown field", (text) => text.replace('"genres": [', '"script": "alert(1)", "genres": [')],
        ["a temperature of zero", (text) => text.replace(/"temperature": [\d.]+/, '"temperature": 0.0')],
    ])) {
        test(what, () => visit(async (marquee, page) => {
            const changed = change(original);
            assert.notEqual(changed, original);
            await marquee.open("?device=cpu");
            await marquee.ready();
            await page.getByRole("button", { name: "Teach", exact: true }).click();
            await page.getByRole("heading", { name: "Teach", exact: true }).waitFor();
            await page.getByLabel("Add training posters").setInputFiles({ name: "theirs.safetensors", mimeType: "", buffer: withManifest(changed) });
            await page.locator("#teach-error").filter({ hasText: /theirs\.safetensors: / }).waitFor();
            assert.deepEqual(await page.getByLabel("Model", { exact: true }).locator("option").allInnerTexts(), ["Built-in model"]);
        }));
    }
});

test("the list of files has the size and hash of every wasm file and of the weights", () => {
    const list = readFileSync(`${root}www/pkg/files.js`, "utf8");
    /** @type {{ files: Record<string, { bytes: number, sha256: string }> }} */
    const site = JSON.parse(list.slice(list.indexOf("{"), list.lastIndexOf("}") + 1));
    const hashed = Object.entries(site.files).filter(([path]) => /\.wasm$|\.safetensors\.zlib$/.test(path));
    assert.ok(hashed.length >= 3, hashed.join());
    for (const [path, { bytes, sha256 }] of hashed) {
        const file = readFileSync(`${root}www/${path}`);
        assert.equal(file.length, bytes, path);
        assert.equal(createHash("sha256").update(file).digest("hex"), sha256, path);
    }
});
