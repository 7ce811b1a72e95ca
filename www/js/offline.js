/** Registers the service worker, announces new versions, and offers to install the page. */

import { element } from "./dom.js";
import { strings } from "./strings/index.js";

const page = {
    update: element("update-text", HTMLElement),
    renew: element("renew", HTMLButtonElement),
    offline: element("offline", HTMLElement),
    install: element("install", HTMLButtonElement),
};

/** Saves the page for visits without a network, and announces a new version once it is complete. */
export async function start() {
    showConnection();
    for (const change of ["online", "offline"]) window.addEventListener(change, showConnection);
    offerInstallation();

    const { serviceWorker } = navigator;
    if (!serviceWorker) return; // the page was not served over HTTPS
    let isControlled = serviceWorker.controller !== null;
    let isAccepted = false;
    serviceWorker.addEventListener("controllerchange", () => {
        if (isAccepted) location.reload();
        else if (isControlled) announce(strings.update.elsewhere, strings.update.reload, () => location.reload());
        isControlled = true;
    });
    try {
        const registration = await serviceWorker.register("sw.js", { updateViaCache: "none" });
        const offer = () => {
            const { waiting } = registration;
            if (!waiting || !serviceWorker.controller) return;
            announce(strings.update.ready, strings.update.useNow, () => {
                isAccepted = true;
                waiting.postMessage("take over");
            });
        };
        offer();
        registration.addEventListener("updatefound", () => {
            registration.installing?.addEventListener("statechange", offer);
        });
    } catch {
        // The browser refuses or its storage is full. The page then works online only.
    }
}

/** Saves the GPU package. It is large, so it is saved only where WebGPU works. */
export async function keepGpu() {
    const registration = await navigator.serviceWorker?.ready;
    registration?.active?.postMessage("keep gpu");
}

function offerInstallation() {
    window.addEventListener("beforeinstallprompt", (event) => {
        event.preventDefault();
        page.install.hidden = false;
        page.install.onclick = () => Reflect.apply(Reflect.get(event, "prompt"), event, []);
    });
    window.addEventListener("appinstalled", () => (page.install.hidden = true));
}

/**
 * @param {string} text
 * @param {string} action  label of the button
 * @param {() => void} onAction
 */
function announce(text, action, onAction) {
    page.update.textContent = text;
    page.renew.textContent = action;
    page.renew.hidden = false;
    page.renew.onclick = onAction;
}

function showConnection() {
    page.offline.hidden = navigator.onLine;
}
