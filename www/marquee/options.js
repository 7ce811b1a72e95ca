/** Checks options objects: an unknown or wrong option is a TypeError that names it, never ignored in silence. */

/**
 * What an option may be: a list of values, or a test with its description.
 *
 * @typedef {readonly string[] | { is: (value: any) => boolean, what: string }} Rule
 */

export const positive = { is: (/** @type {any} */ value) => Number.isInteger(value) && value > 0, what: "a whole number above 0" };
export const callback = { is: (/** @type {any} */ value) => typeof value === "function", what: "a function" };
export const signalRule = { is: (/** @type {any} */ value) => value instanceof AbortSignal, what: "an AbortSignal" };

/**
 * @param {string} name  of the function that takes the options
 * @param {unknown} options  undefined means none
 * @param {Record<string, Rule>} rules  by option
 * @throws {TypeError}
 */
export function check(name, options, rules) {
    if (options === undefined) return;
    if (typeof options !== "object" || options === null) throw new TypeError(`${name}: the options must be an object`);
    for (const [option, value] of Object.entries(options)) {
        const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
        if (!rule) throw new TypeError(`${name}: unknown option ${JSON.stringify(option)}; the options are ${Object.keys(rules).join(", ")}`);
        if (value === undefined) continue;
        const isValid = "is" in rule ? rule.is(value) : rule.includes(value);
        const what = "is" in rule ? rule.what : rule.map((word) => JSON.stringify(word)).join(", ");
        if (!isValid) throw new TypeError(`${name}: the option ${option} must be ${what}`);
    }
}
