/**
 * `@marquee/web/element`: defines the custom element `<marquee-poster>`.
 *
 *     <marquee-poster src="poster.jpg" top="3" heatmap></marquee-poster>
 *
 * | attribute | meaning |
 * |---|---|
 * | `src` | address of the poster; without it, the user chooses or drops one |
 * | `top` | number of genres shown; 3 by default |
 * | `heatmap` | a click on a genre shows where its evidence is |
 *
 * Parts: `frame`, `image`, `heatmap`, `choose`, `status`, `error`, `genres`, `genre`, `name`, `probability`, `bar`.
 * Custom properties: `--marquee-accent`, `--marquee-border`, `--marquee-radius`, `--marquee-width`.
 *
 * @packageDocumentation
 */

import type { Classification, LoadOptions, PosterInput } from "./api.js";

/** The element's visible texts. */
export interface Strings {
    /** Label of the element. */
    poster: string;
    choose: string;
    working: string;
    genres: string;
    percent(probability: number): string;
    showWhere(genre: string): string;
    heatmap(genre: string): string;
    /** Alternative text of the picture. */
    alt(name: string): string;
}

export class MarqueePoster extends HTMLElement {
    /** How the instance that all elements share is loaded. Set it before the first poster. */
    static options: LoadOptions;
    /** Texts of elements that are created from now on; in English by default. */
    static strings: Strings;

    /** The attribute `src`. */
    src: string;
    /** The attribute `top`. */
    top: number;
    /** The attribute `heatmap`. */
    heatmap: boolean;
    /** The result on show. */
    readonly result: Classification | undefined;
    /** Classifies another poster instead of `src`, and shows its result. Rejects as `Marquee.classify` does. */
    classify(input: PosterInput): Promise<Classification>;

    addEventListener<K extends keyof MarqueePosterEventMap>(
        type: K,
        listener: (this: MarqueePoster, event: MarqueePosterEventMap[K]) => unknown,
        options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

export interface MarqueePosterEventMap extends Omit<HTMLElementEventMap, "error"> {
    /** A poster was classified. */
    classified: CustomEvent<Classification>;
    /** A poster could not be classified; `error` says why. */
    error: ErrorEvent;
}

declare global {
    interface HTMLElementTagNameMap {
        "marquee-poster": MarqueePoster;
    }
}
