/** Registers the service worker, announces new versions, and offers to install the page. */

import { element } from "./dom.js";
import { strings } from "./strings/index.js";

const page = {
    update: element("update-text", HTMLElement),
    renew: element("renew", HTMLButtonElement),
    install: element("install", HTMLButtonElement),
};

/** Least milliseconds between two looks for a new version. */
const UPDATE_INTERVAL = 3_600_000;

/**
 * Saves the page for visits without a network, and announces a new version once it is complete.
 *
 * @param {Promise<Event>} installation  the browser's offer to install the page
 */
export async function start(installation) {
    installation.then(offerInstallation);

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
        lookForUpdates(registration);
    } catch {
        // The browser refuses or its storage is full. The page then works online only.
    }
}

/**
 * Looks for a new version when the visitor returns to the page: browsers look only when a page is opened, and this one
 * may stay open for days.
 *
 * @param {ServiceWorkerRegistration} registration
 */
function lookForUpdates(registration) {
    let last = Date.now();
    document.addEventListener("visibilitychange", () => {
        if (document.hidden || Date.now() - last < UPDATE_INTERVAL) return;
        last = Date.now();
        registration.update().catch(() => {}); // there is no network
    });
}

/** Saves the GPU package. It is large, so it is saved only where WebGPU works. */
export async function keepGpu() {
    const registration = await navigator.serviceWorker?.ready;
    registration?.active?.postMessage("keep gpu");
}

/** @param {Event} offer */
function offerInstallation(offer) {
    page.install.hidden = false;
    page.install.onclick = () => Reflect.apply(Reflect.get(offer, "prompt"), offer, []);
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
