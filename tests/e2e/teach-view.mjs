/** Steps in the Teach view that several test files need. */

import { painted } from "./painted.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** Opens the Teach view, and waits for it: until then, files go to the gallery. @param {Page} page */
export async function openTeach(page) {
    await page.getByRole("button", { name: "Teach", exact: true }).click();
    await page.getByRole("heading", { name: "Teach", exact: true }).waitFor();
}

/**
 * Opens the Teach view, adds painted posters with a CSV of their genres, and waits until they are shown.
 *
 * @param {import("./harness.mjs").Marquee} marquee
 * @param {Page} page
 * @param {number} [count]
 */
export async function prepare(marquee, page, count = 40) {
    await marquee.ready();
    await openTeach(page);
    const { files, csv } = await painted(page, count);
    await page.getByLabel("Add training posters").setInputFiles([...files, { name: "labels.csv", mimeType: "text/csv", buffer: Buffer.from(csv) }]);
    await page.waitForFunction((count) => document.querySelectorAll(".training-poster").length === count, count);
}

/** @param {Page} page */
export async function train(page) {
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText(/Trained on \d+ posters/).waitFor({ timeout: 240_000 });
}

/** Adds a genre that the model knows to the genres to train. @param {Page} page @param {string} genre */
export async function addKnownGenre(page, genre) {
    await page.getByLabel("Add a known genre").selectOption(genre);
    await page.getByRole("button", { name: "Add", exact: true }).click();
}

/** Uses another model. @param {Page} page @param {string} name */
export async function useModel(page, name) {
    await page.getByLabel("Model", { exact: true }).selectOption(name);
    await page.getByRole("button", { name: "Use", exact: true }).click();
}
