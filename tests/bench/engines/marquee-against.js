/** Marquee's packages of another build; web.mjs says what it has. */

import { load as loadPackage } from "./marquee.js";

/** @param {"cpu" | "webgpu"} device */
export function load(device) {
    const query = new URLSearchParams(location.search);
    return loadPackage(device, 1, { site: "against", folder: query.get("folder") ?? undefined, compressed: query.get("compressed") === "true" });
}
