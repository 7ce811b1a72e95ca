/** Small pictures for the gallery, made in the worker: the page never holds hundreds of whole posters. */

/** Height in pixels; twice what is shown at most, for fine screens. */
const HEIGHT = 300;

/**
 * A small JPEG of a picture; null where the browser cannot show it, which the network may all the same have read.
 *
 * @param {File} file
 */
export async function thumbnail(file) {
    try {
        const picture = await createImageBitmap(file, { resizeHeight: HEIGHT, resizeQuality: "medium" });
        const canvas = new OffscreenCanvas(Math.min(picture.width, 4 * HEIGHT), picture.height);
        const context = canvas.getContext("2d");
        if (!context) return null;
        context.fillStyle = "white"; // behind what is transparent, as the network sees it
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(picture, 0, 0);
        picture.close();
        return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    } catch {
        return null;
    }
}
