/**
 * One small interface to three browsers, for tests of what must work in all of them: Chromium and Firefox by Puppeteer
 * (WebDriver BiDi in Firefox), WebKit by WebDriver.
 *
 * @typedef {object} Tab
 * @property {(address: string) => Promise<unknown>} open
 * @property {(selector: string) => Promise<unknown>} click  as a visitor does
 * @property {<T, A extends any[]>(code: (...words: A) => T, ...words: A) => Promise<Awaited<T>>} run  in the page
 * @property {((selector: string, paths: string[]) => Promise<unknown>) | undefined} choose  files for a file input
 *
 * @typedef {object} Browser
 * @property {string} name
 * @property {string | false} missing  why it cannot be tested here
 * @property {() => Promise<Running>} launch
 *
 * @typedef {object} Running
 * @property {() => Promise<Tab>} tab  a new one, with no other of the test's tabs open
 * @property {() => Promise<unknown>} close
 */

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

import puppeteer from "puppeteer-core";

const { MARQUEE_CHROMIUM, MARQUEE_CHROMIUM_FLAGS = "", MARQUEE_FIREFOX, MARQUEE_WEBKIT, MARQUEE_WEBKIT_DRIVER } = process.env;

/** @type {Browser[]} */
export const BROWSERS = [
    {
        name: "Chromium",
        missing: MARQUEE_CHROMIUM ? false : "Chromium is not installed",
        launch: () => puppet("chrome", MARQUEE_CHROMIUM, MARQUEE_CHROMIUM_FLAGS.split(" ")),
    },
    {
        name: "Firefox",
        missing: MARQUEE_FIREFOX ? false : "Firefox is not installed",
        launch: () => puppet("firefox", MARQUEE_FIREFOX, []),
    },
    {
        name: "WebKit",
        missing: MARQUEE_WEBKIT && MARQUEE_WEBKIT_DRIVER ? false : "WebKitGTK with its driver and xvfb-run are not installed",
        launch: () => webkit(MARQUEE_WEBKIT ?? "", MARQUEE_WEBKIT_DRIVER ?? ""),
    },
];

/** Milliseconds between two looks at a page. */
const INTERVAL = 50;

/**
 * Waits until code in the page returns something else than false, undefined or an empty text, and returns that.
 *
 * @template T
 * @template {any[]} A
 * @param {Tab} tab
 * @param {string} what  for the message of the error
 * @param {(...words: A) => T} code
 * @param {A} words
 * @returns {Promise<NonNullable<Awaited<T>>>}
 */
export async function until(tab, what, code, ...words) {
    const deadline = Date.now() + 120_000;
    for (;;) {
        // While a page is being replaced, code in it fails.
        const value = await tab.run(code, ...words).catch((error) => ({ error }));
        const hasFailed = value !== null && typeof value === "object" && "error" in value;
        if (value && !hasFailed) return /** @type {NonNullable<Awaited<T>>} */ (value);
        if (Date.now() > deadline) throw new Error(`${what}: waited in vain`, { cause: hasFailed ? value.error : value });
        await setTimeout(INTERVAL);
    }
}

/**
 * @param {"chrome" | "firefox"} browser
 * @param {string | undefined} executablePath
 * @param {string[]} args
 * @returns {Promise<Running>}
 */
async function puppet(browser, executablePath = "", args) {
    // The page follows the browser's languages; the tests read English.
    const english = browser === "chrome" ? { args: [...args, "--lang=en-US"] } : { args, extraPrefsFirefox: { "intl.accept_languages": "en-US" } };
    const running = await puppeteer.launch({ browser, executablePath, headless: true, ...english });
    /** @type {import("puppeteer-core").Page | undefined} */
    let page;
    return {
        async tab() {
            await page?.close();
            const opened = await running.newPage();
            page = opened;
            await opened.setViewport({ width: 1280, height: 900 });
            return {
                open: (address) => opened.goto(address),
                click: (selector) => opened.locator(selector).click(),
                run: (code, ...words) => /** @type {Promise<any>} */ (opened.evaluate(code, ...words)),
                choose: async (selector, paths) => {
                    const input = /** @type {import("puppeteer-core").ElementHandle<HTMLInputElement> | null} */ (await opened.$(selector));
                    await input?.uploadFile(...paths);
                },
            };
        },
        close: () => running.close(),
    };
}

/** The name of the id in WebDriver's description of an element. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/**
 * @param {string} binary
 * @param {string} driver
 * @returns {Promise<Running>}
 */
async function webkit(binary, driver) {
    const port = await freePort();
    // It has no mode without a window.
    const server = spawn("xvfb-run", ["--auto-servernum", driver, `--port=${port}`], { stdio: "ignore", detached: true, env: { ...process.env, LC_ALL: "C.UTF-8", LANGUAGE: "en" } });
    const end = () => {
        try {
            process.kill(-(server.pid ?? NaN)); // with the display
        } catch {
            // It has ended already.
        }
    };
    process.once("exit", end);

    /**
     * @param {"GET" | "POST" | "DELETE"} method
     * @param {string} path
     * @param {object} [body]
     */
    const request = async (method, path, body = {}) => {
        const options = method === "POST" ? { body: JSON.stringify(body) } : {};
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...options });
        const { value } = await response.json();
        if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
        return value;
    };
    while (!(await request("GET", "/status").catch(() => undefined))) {
        if (server.exitCode !== null) throw new Error(`${driver} ended with ${server.exitCode}`);
        await setTimeout(INTERVAL);
    }
    const options = { binary, args: ["--automation"] };
    const { sessionId } = await request("POST", "/session", { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } } });
    const session = `/session/${sessionId}`;
    return {
        tab: async () => ({
            open: (address) => request("POST", `${session}/url`, { url: address }),
            click: async (selector) => {
                const element = await request("POST", `${session}/element`, { using: "css selector", value: selector });
                await request("POST", `${session}/element/${element[ELEMENT]}/click`);
            },
            run: async (code, ...words) => {
                const script = `const done = arguments[arguments.length - 1];
                    (async () => (${code})(...[...arguments].slice(0, -1)))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
                const { value, error } = await request("POST", `${session}/execute/async`, { script, args: words });
                if (error) throw new Error(error);
                return value;
            },
            // The driver fills no file inputs.
            choose: undefined,
        }),
        close: async () => {
            await request("DELETE", session).catch(() => {});
            end();
        },
    };
}

/** @returns {Promise<number>} */
async function freePort() {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    return typeof address === "object" ? (address?.port ?? 0) : 0;
}
