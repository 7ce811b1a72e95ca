/** The sample that a visitor sees before choosing a poster. */
export const FIRST = { file: "samples/balloon.jpg", title: "Pip and the Big Balloon" };

/**
 * Sample posters, drawn for Marquee (CC0). Titles are names and are not translated.
 */
export const SAMPLES = [
    { file: "samples/lighthouse.jpg", title: "The Last Keeper" },
    { file: "samples/saddle.jpg", title: "Dust and Saddle" },
    { file: "samples/orbit.jpg", title: "Beyond the Ninth Orbit" },
    { file: "samples/umbrella.jpg", title: "Two Under One" },
    { file: "samples/cellar.jpg", title: "The Cellar Door" },
    FIRST,
];
