/** onnxruntime-web with the ONNX file that the trainer writes. */

import { decoding, planes } from "./input.js";

/**
 * @param {"cpu" | "webgpu"} device
 * @param {number} threads
 */
export async function load(device, threads) {
    const dist = new URL("../../modules/onnxruntime-web/dist/", import.meta.url).href;
    const ort = await import(`${dist}${device === "webgpu" ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs"}`);
    ort.env.wasm.wasmPaths = dist;
    ort.env.wasm.numThreads = threads;
    const { input } = await (await fetch(new URL("../../www/model/model.json", import.meta.url))).json();
    const session = await ort.InferenceSession.create(new URL("../../made/model.onnx", import.meta.url).href, {
        executionProviders: [device === "webgpu" ? "webgpu" : "wasm"],
    });
    const model = async (/** @type {Uint8ClampedArray} */ rgba) => {
        const tensor = new ort.Tensor("float32", planes(rgba, input), [1, 3, input.height, input.width]);
        const outputs = await session.run({ [session.inputNames[0]]: tensor });
        return outputs[session.outputNames[0]].data;
    };
    return decoding(model, input);
}
