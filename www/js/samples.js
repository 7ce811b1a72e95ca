import { strings } from "./strings/index.js";

/** The sample that a visitor sees before choosing a poster. */
export const FIRST = { file: "samples/balloon.jpg", title: strings.samples.balloon };

/** Sample posters, drawn for Marquee (CC0). */
export const SAMPLES = [
    { file: "samples/lighthouse.jpg", title: strings.samples.lighthouse },
    { file: "samples/saddle.jpg", title: strings.samples.saddle },
    { file: "samples/orbit.jpg", title: strings.samples.orbit },
    { file: "samples/umbrella.jpg", title: strings.samples.umbrella },
    { file: "samples/cellar.jpg", title: strings.samples.cellar },
    FIRST,
];
