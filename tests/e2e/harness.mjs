/** Starts Chromium on the page that `cargo xtask test` serves, and paints files to drop on it. */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

/** @param {string} name */
function required(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set; run these tests with: cargo xtask test`);
    return value;
}

export const url = required("MARQUEE_URL");
const flags = required("MARQUEE_CHROMIUM_FLAGS").split(" ");

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const sample = `${root}www/samples/lighthouse.jpg`;

const screenshots = fileURLToPath(new URL("screenshots", import.meta.url));
mkdirSync(screenshots, { recursive: true });

/** @param {string[]} more  flags */
export function launch(more = []) {
    return chromium.launch({
        executablePath: required("MARQUEE_CHROMIUM"),
        args: [...flags, ...more],
        headless: true,
    });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
    await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

/** What the native trainer answers about the sample, genre by genre, the most probable first. */
export const nativeAnswer = predictNatively();

function predictNatively() {
    const trainer = required("MARQUEE_TRAINER");
    const printed = execFileSync(trainer, ["predict", "--json", "--top", "1000", "--bundle", `${root}www/model`, sample], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
    });
    /** @type {{ genre: string, probability: number }[]} */
    const genres = JSON.parse(printed)[0].genres;
    return new Map(genres.map(({ genre, probability }) => [genre, probability]));
}

/** The parts of the page that a visitor uses, found as assistive technology finds them. */
export class Marquee {
    /** @param {import("playwright-core").Page} page */
    constructor(page) {
        this.page = page;
        this.file = page.locator("input[type=file]");
        this.top = page.getByRole("list", { name: "Top genres" }).getByRole("listitem");
        this.all = page.getByRole("list", { name: "All genres" }).getByRole("listitem");
        this.device = page.getByRole("status");
        this.error = page.getByRole("alert");
        this.sample = page.getByRole("button", { name: "Try a sample" });
    }

    /** @param {string} [query] */
    async open(query = "") {
        await this.page.goto(url + query);
        return this;
    }

    /** Waits for the network to be loaded. */
    async ready() {
        await this.page.locator("#loading").waitFor({ state: "hidden", timeout: 60_000 });
        return this;
    }

    /**
     * @param {string} name
     * @param {Buffer} buffer
     */
    async choose(name, buffer) {
        await this.file.setInputFiles({ name, mimeType: "image/jpeg", buffer });
    }

    /** Waits until a poster is answered; fails with what the page says instead. */
    async answered() {
        await this.page.waitForFunction(
            () => {
                const busy = document.querySelector("[aria-busy=true]");
                const shown = document.querySelectorAll("#top li").length > 0;
                return !busy && (shown || document.querySelector("[role=alert]")?.textContent);
            },
            undefined,
            { timeout: 240_000 },
        );
    }

    /** Waits for the status to show this device, choosing the sample again and again. */
    async answeredBy(/** @type {string} */ device) {
        const deadline = Date.now() + 240_000;
        for (;;) {
            await this.sample.click();
            await this.answered();
            if ((await this.device.textContent()) === device) return;
            if (Date.now() > deadline) {
                const note = await this.page.locator("#note").textContent();
                throw new Error(`${device} never answered; the page says: ${note}`);
            }
            await this.page.waitForTimeout(500);
        }
    }

    /** Genre and percentage of each of the top genres, as they are read out. */
    async topGenres() {
        const texts = await this.top.allInnerTexts();
        return texts.map((text) => {
            const [, genre, percent] = /^(.+?)\s+([\d.]+)\s*%/s.exec(text) ?? [];
            if (!genre) throw new Error(`the item reads ${JSON.stringify(text)}`);
            return { genre: genre.trim(), probability: Number(percent) / 100 };
        });
    }
}
