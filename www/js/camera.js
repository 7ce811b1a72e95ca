/** Takes a picture of a poster with the camera. */

import { element } from "./dom.js";
import { message } from "./errors.js";
import { strings } from "./strings/index.js";

const page = {
    dialog: element("camera", HTMLDialogElement),
    viewfinder: element("viewfinder", HTMLVideoElement),
    error: element("camera-error", HTMLElement),
    shoot: element("shoot", HTMLButtonElement),
    close: element("close-camera", HTMLButtonElement),
};

/** Width of a poster divided by its height. */
const POSTER_RATIO = 2 / 3;

/** Receives the picture. @type {(file: File) => void} */
let onPicture = () => {};

page.shoot.addEventListener("click", async () => {
    const picture = await takePicture(page.viewfinder);
    page.dialog.close();
    onPicture(picture);
});
page.close.addEventListener("click", () => page.dialog.close());
page.dialog.addEventListener("close", () => {
    if (page.viewfinder.srcObject instanceof MediaStream) stop(page.viewfinder.srcObject);
    page.viewfinder.srcObject = null;
});

/** Opens the dialog and starts the camera. @param {(file: File) => void} receive  called with the picture */
export async function show(receive) {
    onPicture = receive;
    page.error.textContent = "";
    page.shoot.disabled = true;
    page.dialog.showModal();
    try {
        // Browsers offer the camera only to pages served over HTTPS.
        if (!navigator.mediaDevices) throw new Error(strings.camera.needsHttps);
        const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", height: { ideal: 1080 } } });
        if (!page.dialog.open) return stop(stream);
        page.viewfinder.srcObject = stream;
        await page.viewfinder.play();
        page.shoot.disabled = false;
    } catch (error) {
        page.error.textContent = strings.camera.failed(message(error));
    }
}

/** Returns the middle of the view as a JPEG with a poster's proportions. @param {HTMLVideoElement} viewfinder */
async function takePicture(viewfinder) {
    const { videoWidth, videoHeight } = viewfinder;
    const width = Math.min(videoWidth, videoHeight * POSTER_RATIO);
    const height = width / POSTER_RATIO;
    const [left, top] = [(videoWidth - width) / 2, (videoHeight - height) / 2];
    const canvas = new OffscreenCanvas(Math.round(width), Math.round(height));
    canvas.getContext("2d")?.drawImage(viewfinder, left, top, width, height, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    return new File([blob], "camera.jpg", { type: "image/jpeg" });
}

/** @param {MediaStream} stream */
function stop(stream) {
    for (const track of stream.getTracks()) track.stop();
}
