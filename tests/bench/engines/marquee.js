/** Marquee's packages, used as on any other page; on the CPU, that for browsers with relaxed SIMD. */

/**
 * @param {"cpu" | "webgpu"} device
 * @param {number} [_threads]  always one
 * @param {string} [folder]  of the package
 */
export async function load(device, _threads = 1, folder = device === "webgpu" ? "gpu" : "cpu-relaxed") {
    const code = import(`../../www/pkg/${folder}/marquee.js`);
    const wasm = fetch(new URL(`../../www/pkg/${folder}/marquee_bg.wasm`, import.meta.url));
    const manifest = await (await fetch(new URL("../../www/model/model.json", import.meta.url))).text();
    const { file } = JSON.parse(manifest).weights;
    const weights = fetch(new URL(`../../www/model/${file}`, import.meta.url)).then((response) => response.arrayBuffer());
    const { Classifier, default: init } = await code;
    await init({ module_or_path: wasm });
    const classifier = await Classifier.load(manifest, new Uint8Array(await weights), { device });
    const names = classifier.manifest.genres.map((/** @type {{ name: string }} */ { name }) => name);
    const { width, height } = classifier.manifest.input;
    return {
        classifier,
        model: async (/** @type {Uint8ClampedArray} */ rgba) => {
            /** @type {{ genre: string, probability: number }[]} */
            const predictions = await classifier.classifyPixels(rgba, width, height);
            const probabilities = new Map(predictions.map(({ genre, probability }) => [genre, probability]));
            return names.map((/** @type {string} */ name) => probabilities.get(name));
        },
        poster: (/** @type {Uint8Array} */ file) => classifier.classify(file),
        posters: async (/** @type {Uint8Array[]} */ files) => {
            for (let first = 0; first < files.length; first += 4) await classifier.classifyAll(files.slice(first, first + 4));
        },
    };
}
