/**
 * Takes the screenshots that the manifest names, of the page that is served at MARQUEE_URL:
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
    const page = await (await browser.newContext({ ...screen, colorScheme: "dark", serviceWorkers: "block" })).newPage();
    await page.goto(`${process.env.MARQUEE_URL ?? "http://127.0.0.1:8080/"}?device=cpu`);
    await page.locator("#top li").first().waitFor();
    await page.getByRole("button", { name: "Sample: Beyond the Ninth Orbit" }).click();
    await page.locator("[aria-busy]").waitFor({ state: "detached" });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${folder}${name}.jpg`, type: "jpeg", quality: 60 });
}
await browser.close();
