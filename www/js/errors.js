/** Text of caught values, which may be anything. */

/** @param {unknown} error */
export function message(error) {
    return error instanceof Error ? error.message : String(error);
}

/**
 * Returns the first line of an error's message. GPU errors append their causes and a backtrace, which no visitor can use.
 *
 * @param {unknown} error
 */
export function firstLine(error) {
    const text = message(error);
    return text.split("\n", 1)[0] ?? text;
}
