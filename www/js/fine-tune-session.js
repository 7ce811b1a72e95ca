/**
 * One training, from the page's side: starts the teacher's worker, passes on what it says, and goes on by the CPU
 * where the GPU fails.
 *
 * @import { FromTeacher, Lesson, ToTeacher } from "./messages.js"
 */

export class Training {
    /** @type {Lesson} */
    #lesson;
    #hear;
    #fellBack;
    /** @type {Worker} */
    #worker;

    /**
     * Starts at once.
     *
     * @param {Lesson} lesson
     * @param {(message: FromTeacher) => void} hear  the last one is "taught" or "failed"
     * @param {(reason: string) => void} fellBack  hears why training began anew on the CPU
     */
    constructor(lesson, hear, fellBack) {
        this.#lesson = lesson;
        this.#hear = hear;
        this.#fellBack = fellBack;
        this.#worker = this.#start();
    }

    pause() {
        this.#worker.postMessage({ type: "pause" });
    }

    goOn() {
        this.#worker.postMessage({ type: "go" });
    }

    /** Ends it after the step that it is at; what was learnt so far is the result. */
    stop() {
        this.#worker.postMessage({ type: "stop" });
    }

    #start() {
        const worker = new Worker(new URL("fine-tune-worker.js", import.meta.url), { type: "module" });
        const fail = (/** @type {string} */ message) => {
            worker.terminate();
            if (this.#lesson.device === "webgpu") {
                this.#lesson = { ...this.#lesson, device: "cpu" };
                this.#fellBack(message);
                this.#worker = this.#start();
            } else {
                this.#hear({ type: "failed", message });
            }
        };
        worker.addEventListener("message", ({ data }) => {
            /** @type {FromTeacher} */
            const message = data;
            if (message.type === "failed") {
                fail(message.message);
                return;
            }
            if (message.type === "taught") worker.terminate();
            this.#hear(message);
        });
        worker.addEventListener("error", ({ message }) => fail(message || "the teacher cannot be loaded"));
        /** @type {ToTeacher} */
        const message = { type: "teach", lesson: this.#lesson };
        worker.postMessage(message);
        return worker;
    }
}
