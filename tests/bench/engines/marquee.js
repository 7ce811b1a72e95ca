/** Marquee's packages, used as on any other page; on the CPU, that for browsers with relaxed SIMD. */

/**
 * Where a build is, and what it has.
 *
 * @typedef {object} Build
 * @property {"www" | "against"} site  "against" is that of `--against`
 * @property {string} folder  of the package
 * @property {boolean} compressed  whether it has compressed weights
 */

/**
 * @param {"cpu" | "webgpu"} device
 * @param {number} [_threads]  always one
 * @param {Partial<Build>} [build]
 */
export async function load(device, _threads = 1, { site = "www", folder = device === "webgpu" ? "gpu" : "cpu-relaxed", compressed = true } = {}) {
    const at = (/** @type {string} */ path) => new URL(`../../${site}/${path}`, import.meta.url);
    const code = import(at(`pkg/${folder}/marquee.js`).href);
    const wasm = fetch(at(`pkg/${folder}/marquee_bg.wasm`));
    const manifest = await (await fetch(at("model/model.json"))).text();
    const { file } = JSON.parse(manifest).weights;
    const { body } = await fetch(at(compressed ? `pkg/${file}.zlib` : `model/${file}`));
    const weights = new Response(compressed ? body?.pipeThrough(new DecompressionStream("deflate")) : body).arrayBuffer();
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
