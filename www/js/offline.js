/** Everything about being without a network: the service worker, its next version, and installing the page. */

import { element } from "./dom.js";

const page = {
    update: element("update-text", HTMLElement),
    renew: element("renew", HTMLButtonElement),
    offline: element("offline", HTMLElement),
    install: element("install", HTMLButtonElement),
};

/** Keeps the page for visits without a network, and says when a new version is there. */
export async function keep() {
    showNetwork();
    for (const change of ["online", "offline"]) window.addEventListener(change, showNetwork);
    window.addEventListener("beforeinstallprompt", (event) => {
        event.preventDefault();
        page.install.hidden = false;
        page.install.onclick = () => Reflect.apply(Reflect.get(event, "prompt"), event, []);
    });
    window.addEventListener("appinstalled", () => (page.install.hidden = true));

    const { serviceWorker } = navigator;
    if (!serviceWorker) return; // as on pages that came without encryption
    let controlled = serviceWorker.controller !== null;
    let asked = false;
    serviceWorker.addEventListener("controllerchange", () => {
        if (asked) location.reload();
        else if (controlled) announce("Marquee was renewed in another tab.", "Reload", () => location.reload());
        controlled = true;
    });
    try {
        const registration = await serviceWorker.register("sw.js", { updateViaCache: "none" });
        const offer = () => {
            const { waiting } = registration;
            if (!waiting || !serviceWorker.controller) return;
            announce("A new version of Marquee is here.", "Use it now", () => {
                asked = true;
                waiting.postMessage("take over");
            });
        };
        offer();
        registration.addEventListener("updatefound", () => {
            registration.installing?.addEventListener("statechange", offer);
        });
    } catch {
        // The browser keeps nothing for this page, or its room is full; all but visits without a network works.
    }
}

/** The GPU's package is large, so it is kept only where it works. */
export async function keepGpu() {
    const registration = await navigator.serviceWorker?.ready;
    registration?.active?.postMessage("keep gpu");
}

/**
 * @param {string} text
 * @param {string} action
 * @param {() => void} act
 */
function announce(text, action, act) {
    page.update.textContent = text;
    page.renew.textContent = action;
    page.renew.hidden = false;
    page.renew.onclick = act;
}

function showNetwork() {
    page.offline.hidden = navigator.onLine;
}
