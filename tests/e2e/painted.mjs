/** Posters that are easy to tell apart: dark ones with a moon, bright ones with a sun. */

/**
 * Paints posters in the browser; every second one has the genre Night.
 *
 * @param {import("playwright-core").Page} page
 * @param {number} count
 * @returns {Promise<{ files: { name: string, mimeType: string, buffer: Buffer }[], csv: string }>}  images, and their genres
 */
export async function painted(page, count) {
    const images = await page.evaluate(async (count) => {
        const canvas = new OffscreenCanvas(160, 240);
        const context = canvas.getContext("2d");
        if (!context) throw new Error("no canvas");
        const images = [];
        let state = 1;
        const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
        for (let index = 0; index < count; index++) {
            const night = index % 2 === 0;
            context.fillStyle = `hsl(${random() * 360} 60% ${night ? 8 + random() * 10 : 70 + random() * 20}%)`;
            context.fillRect(0, 0, 160, 240);
            context.fillStyle = `hsl(${random() * 360} 70% ${night ? 40 : 50}%)`;
            context.beginPath();
            context.arc(30 + random() * 100, 40 + random() * 150, 12 + random() * 20, 0, 7);
            context.fill();
            const blob = await canvas.convertToBlob({ type: "image/jpeg" });
            images.push(btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer()))));
        }
        return images;
    }, count);
    const name = (/** @type {number} */ index) => `tt${String(index).padStart(4, "0")}`;
    const files = images.map((image, index) => ({ name: `${name(index)}.jpg`, mimeType: "image/jpeg", buffer: Buffer.from(image, "base64") }));
    const csv = `Id,Genre,Night\n${images.map((_, index) => `${name(index)},"['${index % 2 === 0 ? "Night" : "Day"}']",${index % 2 === 0 ? 1 : 0}`).join("\n")}\n`;
    return { files, csv };
}

/**
 * Paints posters and returns them as arguments that `page.evaluate` can pass on.
 *
 * @param {import("playwright-core").Page} page
 * @param {number} count
 */
export async function paintedExamples(page, count) {
    const { files } = await painted(page, count);
    return files.map(({ buffer }, index) => ({ bytes: buffer.toString("base64"), labels: { Night: index % 2 === 0 } }));
}
