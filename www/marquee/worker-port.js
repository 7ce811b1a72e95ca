/** Connects a Web Worker with the page: messages, and crashes that no promise reports. */

import { serve } from "./serve.js";

/** @param {import("./serve.js").Package} marquee  the wasm package's module */
export function serveWorker(marquee) {
    const { running } = serve(
        {
            post: (message) => self.postMessage(message),
            listen: (handle) => self.addEventListener("message", ({ data }) => handle(data)),
        },
        marquee,
    );
    // WebAssembly that has trapped never responds and cannot be trusted again: the page replaces the worker.
    self.addEventListener("error", (event) => {
        event.preventDefault();
        self.postMessage({ type: "crashed", message: event.message, running: running() });
    });
}
