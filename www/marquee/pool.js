/**
 * A pool of workers that do the same. It grows while there is more to do than workers to do it, up to its limit, and
 * keeps one worker when there is nothing to do. A worker that crashes is replaced.
 *
 * @import { Connection, Ended } from "./connection.js"
 * @import { Methods, Ready } from "./messages.js"
 */

import { abortable, failure } from "./errors.js";

/** Requests that a worker holds besides an urgent one. With two, it never waits for the page. */
const DEPTH = 2;

/** Milliseconds after which workers without work end, except one. */
const IDLE = 1000;

/** Workers that may fail one after the other, without a result in between, before the pool gives up. */
const MOST_FAILURES = 10;

/**
 * @typedef {object} Job
 * @property {keyof Methods} method
 * @property {any} argument
 * @property {boolean} urgent
 * @property {boolean} isSecondTry  whether a worker crashed on it
 * @property {boolean} isWithdrawn
 * @property {() => void} cancel
 * @property {(result: any) => void} resolve
 * @property {(error: unknown) => void} reject
 *
 * @typedef {object} Member
 * @property {Connection} connection
 * @property {Map<number, Job>} jobs  by the id of their requests
 * @property {ReturnType<typeof setTimeout> | undefined} idle
 *
 * @typedef {(onEnd: (ended: Ended) => void) => Connection} Connect
 */

export class Pool {
    #connect;
    #size;
    #replaces;
    /** @type {Set<Member>} */
    #members = new Set();
    /** @type {Job[]} */
    #waiting = [];
    #failures = 0;
    #isClosed = false;
    /** Called when the pool is closed, or closes because its worker failed and is not replaced. @type {(error: Error) => void} */
    onEnd = () => {};

    /**
     * Starts the first worker.
     *
     * @param {Connect} connect  starts a worker
     * @param {{ size: number, replaces?: boolean }} options  most workers; and whether those that fail are replaced
     */
    constructor(connect, { size, replaces = true }) {
        this.#connect = connect;
        this.#size = size;
        this.#replaces = replaces;
        /** Resolves once the first worker can work; rejects if it cannot start. @type {Promise<Ready>} */
        this.ready = this.#add().connection.ready;
        this.ready.catch(() => {});
    }

    get size() {
        return this.#size;
    }

    /**
     * Runs a request. An urgent one overtakes all others that have not begun.
     *
     * @template {keyof Methods} K
     * @param {K} method
     * @param {Methods[K]["argument"]} argument
     * @param {{ urgent?: boolean, signal?: AbortSignal | undefined }} [options]
     * @returns {Promise<Methods[K]["result"]>}
     */
    run(method, argument, { urgent = false, signal } = {}) {
        if (this.#isClosed) return Promise.reject(failure("closed"));
        if (signal?.aborted) return Promise.reject(signal.reason);
        /** @type {Job} */
        const job = { method, argument, urgent, isSecondTry: false, isWithdrawn: false, cancel: () => {}, resolve: () => {}, reject: () => {} };
        const result = new Promise((resolve, reject) => Object.assign(job, { resolve, reject }));
        this.#enqueue(job);
        this.#dispatch();
        return abortable(result, signal, () => {
            job.isWithdrawn = true;
            this.#waiting = this.#waiting.filter((other) => other !== job);
            job.cancel();
        });
    }

    /** Ends all workers; unfinished requests reject. @param {Error} [error] */
    close(error = failure("closed")) {
        if (this.#isClosed) return;
        this.#isClosed = true;
        this.onEnd(error);
        for (const { connection, idle } of this.#members) {
            clearTimeout(idle);
            connection.close(error);
        }
        this.#members.clear();
        this.#rejectAll(error);
    }

    /** @param {Job} job */
    #enqueue(job) {
        const firstCalm = job.urgent ? this.#waiting.findIndex(({ urgent }) => !urgent) : -1;
        if (firstCalm >= 0) this.#waiting.splice(firstCalm, 0, job);
        else this.#waiting.push(job);
    }

    /** Starts a worker. @returns {Member} */
    #add() {
        /** @type {Member} */
        const member = { connection: this.#connect((ended) => this.#handleEnd(member, ended)), jobs: new Map(), idle: undefined };
        this.#members.add(member);
        member.connection.ready.then(() => this.#dispatch(), () => {});
        return member;
    }

    /** Gives waiting requests to workers that are free, and starts more workers if there is work for them. */
    #dispatch() {
        for (let job = this.#waiting[0]; job; job = this.#waiting[0]) {
            const member = this.#freest(job);
            if (!member) break;
            this.#waiting.shift();
            this.#send(job, member);
        }
        const unfinished = this.#waiting.length + [...this.#members].reduce((sum, { jobs }) => sum + jobs.size, 0);
        while (!this.#isClosed && this.#members.size < Math.min(this.#size, unfinished)) {
            try {
                this.#add();
            } catch (error) {
                this.#giveUp(error);
                return;
            }
        }
        for (const member of this.#members) this.#watchIdle(member);
    }

    /** Returns the worker with the fewest requests that takes this one. @param {Job} job */
    #freest(job) {
        const takes = (/** @type {Member} */ { connection, jobs }) => {
            const urgent = [...jobs.values()].filter((other) => other.urgent).length;
            return connection.isReady && (job.urgent ? urgent === 0 : jobs.size - urgent < DEPTH);
        };
        return [...this.#members].filter(takes).toSorted((a, b) => a.jobs.size - b.jobs.size)[0];
    }

    /**
     * @param {Job} job
     * @param {Member} member
     */
    #send(job, member) {
        clearTimeout(member.idle);
        member.idle = undefined;
        const { id, result, cancel } = member.connection.request(job.method, job.argument, job);
        member.jobs.set(id, job);
        const done = () => {
            if (!member.jobs.delete(id)) return false; // the worker ended: see #handleEnd
            this.#failures = 0;
            this.#dispatch();
            return true;
        };
        job.cancel = () => {
            cancel();
            done();
        };
        result.then((value) => done() && job.resolve(value), (error) => done() && job.reject(error));
    }

    /**
     * Replaces a worker that ended. The request that it was handling is tried once more, the others are sent again.
     *
     * @param {Member} member
     * @param {Ended} ended
     */
    #handleEnd(member, { error, running }) {
        clearTimeout(member.idle);
        this.#members.delete(member);
        const jobs = [...member.jobs].filter(([, job]) => !job.isWithdrawn);
        member.jobs.clear();
        this.#failures++;
        for (const [id, job] of jobs.toReversed()) {
            const isCause = id === running;
            if (!this.#replaces || (isCause && job.isSecondTry)) {
                job.reject(error);
            } else {
                job.isSecondTry ||= isCause;
                this.#waiting.unshift(job);
            }
        }
        if (!this.#replaces) {
            this.close(error);
            return;
        }
        if (!member.connection.wasReady) this.#size = Math.max(1, this.#members.size); // there is no room for more
        if (this.#members.size) {
            this.#dispatch();
            return;
        }
        if (this.#failures >= MOST_FAILURES || !member.connection.wasReady) {
            this.#giveUp(error);
            return;
        }
        try {
            this.#add();
        } catch (reason) {
            this.#giveUp(reason);
        }
    }

    /** Rejects what waits, because no worker can be started. The next request tries again. @param {unknown} error */
    #giveUp(error) {
        this.#failures = 0;
        this.#rejectAll(error);
    }

    /** @param {unknown} error */
    #rejectAll(error) {
        for (const job of this.#waiting.splice(0)) job.reject(error);
    }

    /** Ends a worker that has had no work for a while, unless it is the last. @param {Member} member */
    #watchIdle(member) {
        if (member.jobs.size || member.idle !== undefined || this.#members.size === 1) return;
        member.idle = setTimeout(() => {
            member.idle = undefined;
            if (member.jobs.size || this.#members.size === 1) return;
            this.#members.delete(member);
            member.connection.close();
        }, IDLE);
    }
}
