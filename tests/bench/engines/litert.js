/** LiteRT.js with the TensorFlow Lite file of floats that tflite.py writes. */

import { decoding, interleaved } from "./input.js";

/**
 * @param {"cpu" | "webgpu"} device
 * @param {number} [_threads]  always one
 * @param {string} [file]
 */
export async function load(device, _threads = 1, file = "model.tflite") {
    const core = new URL("../../modules/@litertjs/core/", import.meta.url).href;
    const { Tensor, loadAndCompile, loadLiteRt } = await import(`${core}dist/index.js`);
    const manifest = fetch(new URL("../../www/model/model.json", import.meta.url)).then((response) => response.json());
    await loadLiteRt(`${core}wasm/`);
    const compiled = await loadAndCompile(new URL(`../../made/${file}`, import.meta.url).href, { accelerator: device === "cpu" ? "wasm" : "webgpu" });
    const { input } = await manifest;
    const model = async (/** @type {Uint8ClampedArray} */ rgba) => {
        const tensor = new Tensor(interleaved(rgba, input), [1, input.height, input.width, 3]);
        const [result] = await compiled.run(tensor);
        const output = await result.moveTo("wasm");
        const probabilities = output.toTypedArray().slice();
        tensor.delete();
        output.delete();
        return probabilities;
    };
    return decoding(model, input);
}
