/** The package's declarations fit its code. tsc checks it; nothing here runs. */

/** @param {typeof import("../../www/marquee/index.js")} code @returns {typeof import("../../www/marquee/api.js")} */
export const inBrowsers = (code) => code;

/** @param {typeof import("../../www/marquee/node.js")} code @returns {typeof import("../../www/marquee/api.js")} */
export const inNode = (code) => code;

/** @param {typeof import("../../www/marquee/element.js")} code @returns {typeof import("../../www/marquee/element-api.js")} */
export const theElement = (code) => code;
