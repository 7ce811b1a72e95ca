/** Keeps two tabs from training the same model, and one tab from deleting what another trains. */

/**
 * Takes the lock of a model. Returns the function that releases it, or undefined if another tab has it. A tab that
 * closes or crashes releases its locks.
 *
 * @param {number} id
 * @returns {Promise<(() => void) | undefined>}
 */
export function lockModel(id) {
    // Pages without HTTPS have no locks.
    if (!navigator.locks) return Promise.resolve(() => {});
    return new Promise((resolve, reject) => {
        const hold = (/** @type {Lock | null} */ lock) => {
            if (!lock) return resolve(undefined);
            return /** @type {Promise<void>} */ (new Promise((release) => resolve(release)));
        };
        navigator.locks.request(`marquee.model.${id}`, { ifAvailable: true }, hold).catch(reject);
    });
}
