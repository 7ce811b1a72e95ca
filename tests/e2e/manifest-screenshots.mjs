/**
 * Takes the screenshots that the manifest names, and that of the README, of the page that is served at MARQUEE_URL:
 *
 *     cargo xtask serve &
 *     cd tests/e2e && MARQUEE_URL=http://127.0.0.1:8080/ node manifest-screenshots.mjs
 */

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const folder = fileURLToPath(new URL("../../www/screenshots/", import.meta.url));
const SCREENS = {
    wide: { viewport: { width: 1280, height: 800 } },
    narrow: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.MARQUEE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, screen] of Object.entries(SCREENS)) {
    const page = await (await browser.newContext({ ...screen, colorScheme: "dark", locale: "en-US", serviceWorkers: "block" })).newPage();
    await page.goto(`${process.env.MARQUEE_URL ?? "http://127.0.0.1:8080/"}?device=cpu`);
    await page.locator("#top li").first().waitFor();
    await page.getByRole("button", { name: "Sample: Beyond the Ninth Orbit" }).click();
    await page.locator("[aria-busy]").waitFor({ state: "detached" });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${folder}${name}.jpg`, type: "jpeg", quality: 60 });
}
const page = await (await browser.newContext({ viewport: { width: 1200, height: 860 }, locale: "en-US", serviceWorkers: "block" })).newPage();
await page.goto(`${process.env.MARQUEE_URL ?? "http://127.0.0.1:8080/"}?device=cpu`);
await page.locator("#top li").first().waitFor();
await page.getByRole("button", { name: "Sample: Pip and the Big Balloon" }).click();
await page.locator("[aria-busy]").waitFor({ state: "detached" });
// Two genres side by side.
for (const row of [0, 1]) {
    const genre = page.locator("#top button").nth(row);
    if ((await genre.getAttribute("aria-pressed")) !== "true") await genre.click();
}
await page.locator("#second-map").waitFor();
await page.evaluate(() => scrollTo(0, 0));
await page.mouse.move(0, 0);
await page.screenshot({ path: fileURLToPath(new URL("../../.github/screenshot.png", import.meta.url)) });
await browser.close();
