/**
 * Draws the sample posters of the page:
 *
 *     cd tests/e2e && node posters/draw.mjs [NAME…]
 *
 * Each poster is a module here that paints on a canvas in Chromium; the JPEGs go to www/samples/. letters.json has the
 * outlines of the letters that they use, of fonts under the SIL Open Font License 1.1: Bebas Neue, Cinzel, Great Vibes,
 * League Gothic, Lilita One, Michroma, Playfair Display and Rye.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

/** Of the JPEGs. */
const QUALITY = 0.7;

const here = fileURLToPath(new URL(".", import.meta.url));
const samples = fileURLToPath(new URL("../../../www/samples/", import.meta.url));
const all = ["lighthouse", "saddle", "orbit", "umbrella", "cellar", "balloon"];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;

const browser = await chromium.launch({ executablePath: process.env.MARQUEE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("pageerror", (error) => console.error(error));
await page.route("http://posters.invalid/**", (route) => {
    const path = new URL(route.request().url()).pathname.slice(1);
    if (!path) return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    return route.fulfill({ path: here + path, contentType: path.endsWith(".json") ? "application/json" : "text/javascript" });
});
await page.goto("http://posters.invalid/");
for (const name of wanted) {
    const address = await page.evaluate(async ({ name, quality }) => {
        const { paint } = await import(`/${name}.js`);
        const letters = await (await fetch("/letters.json")).json();
        return paint(letters).jpeg(quality);
    }, { name, quality: QUALITY });
    const jpeg = Buffer.from(address.slice(address.indexOf(",") + 1), "base64");
    writeFileSync(`${samples}${name}.jpg`, jpeg);
    console.log(`${name}.jpg: ${jpeg.length} bytes`);
}
await browser.close();
