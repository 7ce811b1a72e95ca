/** Marquee in a browser without relaxed SIMD. */

import { load as loadPackage } from "./marquee.js";

/** @param {"cpu" | "webgpu"} device */
export const load = (device) => loadPackage(device, 1, { folder: "cpu" });
