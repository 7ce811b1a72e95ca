/**
 * Classifies many posters with all workers, and yields the results in order of completion.
 *
 * @import { BatchResult, PosterInput } from "./api.js"
 */

/** Results that wait for the caller before the batch waits for it, too. */
const MOST_UNREAD = 64;

/**
 * @typedef {object} Work
 * @property {(inputs: PosterInput[], signal: AbortSignal) => Promise<Omit<BatchResult, "index">[]>} classify
 * @property {() => { requests: number, group: number }} plan  requests at a time, and posters in each
 * @property {AbortSignal | undefined} signal
 */

/**
 * @param {Iterable<PosterInput> | AsyncIterable<PosterInput>} inputs
 * @param {Work} work
 * @returns {AsyncGenerator<BatchResult, void, void>}
 */
export async function* classifyAll(inputs, { classify, plan, signal }) {
    signal?.throwIfAborted();
    /** @type {BatchResult[]} */
    const results = [];
    const ended = new AbortController();
    const state = { isFed: false, running: 0, error: /** @type {unknown} */ (undefined), hasFailed: false };

    /** Those who wait for a change of the state. @type {(() => void)[]} */
    const waiting = [];
    const change = () => /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push(resolve)));
    const changed = () => waiting.splice(0).forEach((resolve) => resolve());
    const fail = (/** @type {unknown} */ error) => {
        if (!state.hasFailed) Object.assign(state, { hasFailed: true, error });
        changed();
    };
    const abort = () => {
        ended.abort(signal?.reason);
        fail(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });

    /** @param {PosterInput[]} group @param {number} first  index of its first poster */
    const start = async (group, first) => {
        state.running++;
        try {
            const outcomes = await classify(group, ended.signal);
            outcomes.forEach((outcome, offset) => results.push(/** @type {BatchResult} */ ({ index: first + offset, ...outcome })));
        } catch (error) {
            fail(error);
        }
        state.running--;
        changed();
    };
    const feed = async () => {
        let next = 0;
        for await (const group of groups(inputs, () => plan().group)) {
            start(group, next);
            next += group.length;
            while (state.running >= plan().requests || results.length >= MOST_UNREAD) await change();
            if (state.hasFailed || ended.signal.aborted) return;
        }
    };
    feed().catch(fail).finally(() => {
        state.isFed = true;
        changed();
    });

    try {
        for (;;) {
            if (state.hasFailed) throw state.error;
            const result = results.shift();
            if (result) {
                changed();
                yield result;
            } else if (state.isFed && !state.running) {
                return;
            } else {
                await change();
            }
        }
    } finally {
        signal?.removeEventListener("abort", abort);
        ended.abort();
        results.length = 0;
        state.running = 0;
        changed();
    }
}

/**
 * @template T
 * @param {Iterable<T> | AsyncIterable<T>} inputs
 * @param {() => number} size
 */
async function* groups(inputs, size) {
    /** @type {T[]} */
    let group = [];
    for await (const input of inputs) {
        group.push(input);
        if (group.length < size()) continue;
        yield group;
        group = [];
    }
    if (group.length) yield group;
}
