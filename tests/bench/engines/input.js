/** Preprocessing for the other engines: the browser decodes and resizes, JavaScript normalises. */

/**
 * Returns an image's RGBA pixels in the input size.
 *
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {{ width: number, height: number }} input
 */
export async function decode(file, { width, height }) {
    const image = await createImageBitmap(new Blob([file]), { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    context.drawImage(image, 0, 0);
    image.close();
    return context.getImageData(0, 0, width, height).data;
}

/**
 * Returns normalised values in the layout `[height][width][3]`.
 *
 * @param {Uint8ClampedArray} rgba
 * @param {{ mean: number[], std: number[] }} input
 */
export function interleaved(rgba, { mean, std }) {
    const values = new Float32Array((rgba.length / 4) * 3);
    for (let pixel = 0, at = 0; pixel < rgba.length; pixel += 4) {
        for (let channel = 0; channel < 3; channel++) {
            values[at++] = ((rgba[pixel + channel] ?? 0) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
        }
    }
    return values;
}

/**
 * Returns normalised values in the layout `[3][height][width]`.
 *
 * @param {Uint8ClampedArray} rgba
 * @param {{ mean: number[], std: number[] }} input
 */
export function planes(rgba, { mean, std }) {
    const area = rgba.length / 4;
    const values = new Float32Array(3 * area);
    for (let channel = 0; channel < 3; channel++) {
        for (let pixel = 0; pixel < area; pixel++) {
            values[channel * area + pixel] = ((rgba[4 * pixel + channel] ?? 0) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
        }
    }
    return values;
}

/**
 * Returns an engine whose posters are decoded by the browser.
 *
 * @param {(rgba: Uint8ClampedArray<ArrayBuffer>) => Promise<ArrayLike<number>>} model
 * @param {{ width: number, height: number }} input
 */
export function decoding(model, input) {
    const poster = async (/** @type {Uint8Array<ArrayBuffer>} */ file) => model(await decode(file, input));
    return {
        model,
        poster,
        posters: async (/** @type {Uint8Array<ArrayBuffer>[]} */ files) => {
            for (const file of files) await poster(file);
        },
    };
}
