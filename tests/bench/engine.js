/**
 * Runs one engine in one tab: loads it, classifies a poster, and takes the times that web.mjs requests. All engines get
 * the same weights and posters, and one thread unless stated.
 *
 * @typedef {object} Engine
 * @property {(rgba: Uint8ClampedArray<ArrayBuffer>) => Promise<ArrayLike<number>>} model  from pixels of the input size to probabilities
 * @property {(file: Uint8Array<ArrayBuffer>) => Promise<unknown>} poster  from encoded bytes to probabilities
 * @property {(files: Uint8Array<ArrayBuffer>[]) => Promise<unknown>} posters  the same for many files
 */

/** Counts calls to WebGPU. */
const calls = { dispatches: 0, shaders: 0 };
if (navigator.gpu) {
    const { prototype: pass } = GPUComputePassEncoder;
    const { prototype: device } = GPUDevice;
    const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = pass;
    const { createShaderModule } = device;
    pass.dispatchWorkgroups = function (...sizes) {
        calls.dispatches++;
        return dispatchWorkgroups.apply(this, sizes);
    };
    pass.dispatchWorkgroupsIndirect = function (...buffer) {
        calls.dispatches++;
        return dispatchWorkgroupsIndirect.apply(this, buffer);
    };
    device.createShaderModule = function (descriptor) {
        calls.shaders++;
        return createShaderModule.call(this, descriptor);
    };
}

const query = new URLSearchParams(location.search);
const { load } = await import(`./engines/${query.get("engine")}.js`);
const poster = new Uint8Array(await (await fetch("../www/samples/lighthouse.jpg")).arrayBuffer());
/** @type {Engine} */
const engine = await load(query.get("device"), Number(query.get("threads") ?? 1));
await engine.poster(poster);
const firstPrediction = performance.now();

/** Returns the sample poster's pixels in the input size. @param {number} width @param {number} height */
async function pixels(width, height) {
    const image = await createImageBitmap(new Blob([poster]), { resizeWidth: width, resizeHeight: height });
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, width, height).data;
}

const { width, height } = (await (await fetch("../www/model/model.json")).json()).input;
const input = await pixels(width, height);

/** Returns the milliseconds of one call. @param {() => Promise<unknown>} run */
async function time(run) {
    const started = performance.now();
    await run();
    return performance.now() - started;
}

Reflect.set(window, "bench", {
    firstPrediction,
    probabilities: async () => Array.from(await engine.model(input)),
    model: () => time(() => engine.model(input)),
    /** Returns the dispatches of one prediction, and the shaders compiled so far. */
    gpuCalls: async () => {
        const before = calls.dispatches;
        await engine.model(input);
        return { dispatches: calls.dispatches - before, shaders: calls.shaders };
    },
    poster: () => time(() => engine.poster(poster)),
    /** @param {string[]} names */
    posters: async (names) => {
        const files = await Promise.all(names.map(async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer())));
        return time(() => engine.posters(files));
    },
});
document.title = "ready";
