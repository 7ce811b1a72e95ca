/** A poster from the camera. */

import { element } from "./dom.js";

const page = {
    open: element("open-camera", HTMLButtonElement),
    dialog: element("camera", HTMLDialogElement),
    viewfinder: element("viewfinder", HTMLVideoElement),
    error: element("camera-error", HTMLElement),
    shoot: element("shoot", HTMLButtonElement),
    close: element("close-camera", HTMLButtonElement),
};

/** @param {(file: File) => void} take */
export function listen(take) {
    page.open.addEventListener("click", async () => {
        page.error.textContent = "";
        page.shoot.disabled = true;
        page.dialog.showModal();
        try {
            if (!navigator.mediaDevices) throw new Error("the browser gives cameras only to pages that came encrypted (https)");
            const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", height: { ideal: 1080 } } });
            if (!page.dialog.open) return stop(stream);
            page.viewfinder.srcObject = stream;
            await page.viewfinder.play();
            page.shoot.disabled = false;
        } catch (error) {
            page.error.textContent = `No camera: ${error instanceof Error ? error.message : error}. Choose a file instead.`;
        }
    });
    page.shoot.addEventListener("click", async () => {
        const { videoWidth, videoHeight } = page.viewfinder;
        // The middle of the view, in a poster's proportions.
        const width = Math.min(videoWidth, (videoHeight * 2) / 3);
        const height = (width * 3) / 2;
        const canvas = new OffscreenCanvas(Math.round(width), Math.round(height));
        const from = [(videoWidth - width) / 2, (videoHeight - height) / 2];
        canvas.getContext("2d")?.drawImage(page.viewfinder, from[0] ?? 0, from[1] ?? 0, width, height, 0, 0, canvas.width, canvas.height);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
        page.dialog.close();
        take(new File([blob], "camera.jpg", { type: "image/jpeg" }));
    });
    page.close.addEventListener("click", () => page.dialog.close());
    page.dialog.addEventListener("close", () => {
        if (page.viewfinder.srcObject instanceof MediaStream) stop(page.viewfinder.srcObject);
        page.viewfinder.srcObject = null;
    });
}

/** @param {MediaStream} stream */
function stop(stream) {
    for (const track of stream.getTracks()) track.stop();
}
