/** Abort signals. Aborted work rejects with the signal's reason, which is an AbortError unless the caller gave another. */

/**
 * Returns the result of `work`, or rejects as soon as the signal aborts. `work` itself goes on unless `onAbort` stops it.
 *
 * @template T
 * @param {Promise<T>} work
 * @param {AbortSignal | undefined} signal
 * @param {() => void} [onAbort]
 * @returns {Promise<T>}
 */
export function abortable(work, signal, onAbort = () => {}) {
    if (!signal) return work;
    return new Promise((resolve, reject) => {
        const abort = () => {
            onAbort();
            reject(signal.reason);
        };
        work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
    });
}
