/** TensorFlow.js: the same model, built from fused operators, with the shipped weights. */

import { decoding, interleaved } from "./input.js";

/** Loads a classic script of a TensorFlow.js package. @param {string} name */
function loadScript(name) {
    return new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`../../modules/@tensorflow/${name}`, import.meta.url).href;
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
    });
}

/**
 * @param {"cpu" | "webgpu"} device
 * @param {boolean} [trainable]  whether to load gradients, which the core package lacks
 */
export async function load(device, trainable = false) {
    const manifest = await (await fetch(new URL("../../www/model/model.json", import.meta.url))).json();
    const file = fetch(new URL(`../../www/model/${manifest.weights.file}`, import.meta.url)).then((response) => response.arrayBuffer());
    await loadScript(trainable ? "tfjs/dist/tf.min.js" : "tfjs-core/dist/tf-core.min.js");
    await loadScript(device === "webgpu" ? "tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js" : "tfjs-backend-wasm/dist/tf-backend-wasm.min.js");
    const tf = Reflect.get(window, "tf");
    if (device === "cpu") {
        tf.wasm.setThreadsCount(1);
        tf.wasm.setWasmPaths(new URL("../../modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url).href);
    }
    await tf.setBackend(device === "cpu" ? "wasm" : "webgpu");
    await tf.ready();

    const tensors = read(await file);
    const get = (/** @type {string} */ name) => {
        const found = tensors.get(name);
        if (!found) throw new Error(`${name} is missing`);
        return found;
    };
    // Kernels are [height, width, inputs, outputs] here and [outputs, inputs, height, width] in the file.
    const kernel = (/** @type {string} */ name) => tf.tidy(() => tf.transpose(tf.tensor4d(get(name).values, get(name).shape), [2, 3, 1, 0]));
    const bias = (/** @type {string} */ name) => tf.tensor1d(get(name).values);
    const conv = (/** @type {string} */ path, stride = 1, activation = "relu6") => {
        const [filter, add] = [kernel(`${path}.weight`), bias(`${path}.bias`)];
        return (/** @type {any} */ x) => tf.fused.conv2d({ x, filter, bias: add, strides: stride, pad: "same", activation });
    };
    const depthwise = (/** @type {string} */ path, /** @type {number} */ stride) => {
        const filter = tf.tidy(() => tf.transpose(tf.tensor4d(get(`${path}.weight`).values, get(`${path}.weight`).shape), [2, 3, 0, 1]));
        const add = bias(`${path}.bias`);
        return (/** @type {any} */ x) => tf.fused.depthwiseConv2d({ x, filter, bias: add, strides: stride, pad: "same", activation: "relu6" });
    };

    const layers = [conv("stem", 2)];
    const strides = [1, 2, 2, 2, 1, 2, 1];
    strides.forEach((stride, stage) => {
        for (let block = 0; tensors.has(`stages.${stage}.blocks.${block}.project.weight`); block++) {
            const path = `stages.${stage}.blocks.${block}`;
            const expand = tensors.has(`${path}.expand.weight`) ? conv(`${path}.expand`) : (/** @type {any} */ x) => x;
            const middle = depthwise(`${path}.depthwise`, block ? 1 : stride);
            const project = conv(`${path}.project`, 1, "linear");
            layers.push((x) => {
                const y = project(middle(expand(x)));
                return block ? tf.add(y, x) : y;
            });
        }
    });
    layers.push(conv("last"));
    const head = tf.tensor2d(get("head.weight").values, get("head.weight").shape);
    const headBias = bias("head.bias");

    /** The head's input, of shape `[1, 1280]`. */
    const features = (/** @type {Uint8ClampedArray} */ rgba) => tf.tidy(() => {
        const x = tf.tensor4d(interleaved(rgba, manifest.input), [1, manifest.input.height, manifest.input.width, 3]);
        return tf.mean(layers.reduce((x, layer) => layer(x), x), [1, 2]);
    });
    const model = async (/** @type {Uint8ClampedArray} */ rgba) => {
        const probabilities = tf.tidy(() => tf.sigmoid(tf.div(tf.add(tf.matMul(features(rgba), head), headBias), manifest.temperature)));
        const values = await probabilities.data();
        probabilities.dispose();
        return values;
    };
    return {
        ...decoding(model, manifest.input),
        tf,
        input: manifest.input,
        head: { weight: head, bias: headBias },
        features,
    };
}

/**
 * Reads the tensors of a safetensors file; 8-bit ones are multiplied by their scales.
 *
 * @param {ArrayBuffer} file
 */
function read(file) {
    const length = Number(new DataView(file).getBigUint64(0, true));
    /** @type {Record<string, { dtype: string, shape: number[], data_offsets: [number, number] }>} */
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
    const raw = (/** @type {string} */ name) => {
        const [from, to] = header[name]?.data_offsets ?? [0, 0];
        return file.slice(8 + length + from, 8 + length + to);
    };
    const halves = (/** @type {string} */ name) => Float32Array.from(new Uint16Array(raw(name)), half);
    /** @type {Map<string, { shape: number[], values: Float32Array }>} */
    const tensors = new Map();
    for (const [name, { dtype, shape }] of Object.entries(header)) {
        if (name.endsWith(".scale")) continue;
        if (dtype === "I8") {
            const scales = halves(`${name}.scale`);
            const integers = new Int8Array(raw(name));
            const each = integers.length / scales.length;
            tensors.set(name, { shape, values: Float32Array.from(integers, (value, index) => value * (scales[Math.floor(index / each)] ?? 0)) });
        } else {
            tensors.set(name, { shape, values: halves(name) });
        }
    }
    return tensors;
}

/** Converts the bits of a half-precision number. @param {number} bits */
function half(bits) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const sign = bits & 0x8000 ? -1 : 1;
    return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}
