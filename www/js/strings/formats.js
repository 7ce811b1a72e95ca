/** Formats numbers, percentages, times and plurals as a language writes them. */

/** Below this share a percentage shows one decimal. It rounds to 10% and would gain a digit. */
const SMALL_SHARE = 0.0995;

/**
 * Returns the formatting functions of one language.
 *
 * @param {string} language  a BCP 47 tag, for example "en"
 */
export function formatsFor(language) {
    /** Formatters are slow to construct, so each is kept. @type {Map<string, Intl.NumberFormat>} */
    const formatters = new Map();
    const format = (/** @type {number} */ value, /** @type {number} */ digits, /** @type {Intl.NumberFormatOptions} */ options = {}) => {
        const key = `${options.style} ${options.unit} ${digits}`;
        let formatter = formatters.get(key);
        if (!formatter) {
            formatter = new Intl.NumberFormat(language, { ...options, minimumFractionDigits: digits, maximumFractionDigits: digits });
            formatters.set(key, formatter);
        }
        return formatter.format(value);
    };
    const withUnit = (/** @type {string} */ unit, /** @type {number} */ value, digits = 0) =>
        format(value, digits, { style: "unit", unit, unitDisplay: "short" });
    const plurals = new Intl.PluralRules(language);

    return {
        /**
         * Formats a number with a fixed number of decimals: "5,643", "0.203". toFixed rounds as the trainer's tables do;
         * Intl alone would round 0.6705, which is stored as slightly less, up.
         */
        number: (/** @type {number} */ value, digits = 0) => format(Number(value.toFixed(digits)), digits),

        /** Formats a share in 0..=1: "91%", "3.4%". */
        percent: (/** @type {number} */ share) => format(share, share < SMALL_SHARE ? 1 : 0, { style: "percent" }),

        /** Formats milliseconds: "4.2 ms", "31 ms", "12 sec", "3 min 5 sec". */
        duration(/** @type {number} */ milliseconds) {
            if (milliseconds < 9_950) return withUnit("millisecond", milliseconds, milliseconds < 10 ? 1 : 0);
            const seconds = Math.round(milliseconds / 1000);
            if (seconds < 60) return withUnit("second", seconds);
            return `${withUnit("minute", Math.floor(seconds / 60))} ${withUnit("second", seconds % 60)}`;
        },

        /** Formats bytes as megabytes: "3.7 MB". */
        megabytes: (/** @type {number} */ bytes) => withUnit("megabyte", bytes / 1e6, 1),

        /** Formats a rate: one decimal below ten, none above. */
        rate: (/** @type {number} */ rate) => format(rate, rate < 10 ? 1 : 0),

        /** Chooses the form of a text that the language uses with a count. */
        plural: (/** @type {number} */ count, /** @type {Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }} */ forms) =>
            forms[plurals.select(count)] ?? forms.other,
    };
}
