/** Makes small images of posters, so that a gallery never holds hundreds of full-size ones. */

/** Largest width, as a multiple of the height. */
const MAX_RATIO = 4;

/**
 * Returns a small JPEG of an image; null if the browser cannot decode it. The model may decode it all the same.
 *
 * @param {Blob} file
 * @param {number} height  in pixels
 */
export async function thumbnail(file, height) {
    try {
        const bitmap = await createImageBitmap(file, { resizeHeight: height, resizeQuality: "medium" });
        const canvas = new OffscreenCanvas(Math.min(bitmap.width, MAX_RATIO * height), bitmap.height);
        const context = canvas.getContext("2d");
        if (!context) return null;
        context.fillStyle = "white"; // the model sees transparent pixels on white, too
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(bitmap, 0, 0);
        bitmap.close();
        return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    } catch {
        return null;
    }
}
