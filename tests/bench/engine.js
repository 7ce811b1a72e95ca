/**
 * One engine in one tab: loads it, answers a poster, and times what the bench asks for. All engines get the same
 * weights, the same posters, and the same thread.
 *
 * @typedef {object} Engine
 * @property {(rgba: Uint8ClampedArray<ArrayBuffer>) => Promise<ArrayLike<number>>} network  probabilities of pixels of the network's size
 * @property {(file: Uint8Array<ArrayBuffer>) => Promise<unknown>} poster  from encoded bytes to probabilities
 * @property {(files: Uint8Array<ArrayBuffer>[]) => Promise<unknown>} posters
 */

const work = { dispatches: 0, shaders: 0 };
if (navigator.gpu) {
    const { prototype: pass } = GPUComputePassEncoder;
    const { prototype: device } = GPUDevice;
    const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = pass;
    const { createShaderModule } = device;
    pass.dispatchWorkgroups = function (...sizes) {
        work.dispatches++;
        return dispatchWorkgroups.apply(this, sizes);
    };
    pass.dispatchWorkgroupsIndirect = function (...buffer) {
        work.dispatches++;
        return dispatchWorkgroupsIndirect.apply(this, buffer);
    };
    device.createShaderModule = function (descriptor) {
        work.shaders++;
        return createShaderModule.call(this, descriptor);
    };
}

const asked = new URLSearchParams(location.search);
const { load } = await import(`./engines/${asked.get("engine")}.js`);
const poster = new Uint8Array(await (await fetch("../www/samples/lighthouse.jpg")).arrayBuffer());
/** @type {Engine} */
const engine = await load(asked.get("device"), Number(asked.get("threads") ?? 1));
await engine.poster(poster);
const firstAnswer = performance.now();

/** The pixels that every network gets. @param {number} width @param {number} height */
async function pixels(width, height) {
    const picture = await createImageBitmap(new Blob([poster]), { resizeWidth: width, resizeHeight: height });
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, width, height).data;
}

const { width, height } = (await (await fetch("../www/model/model.json")).json()).input;
const input = await pixels(width, height);

/** Milliseconds of one call. @param {() => Promise<unknown>} work */
async function time(work) {
    const started = performance.now();
    await work();
    return performance.now() - started;
}

Reflect.set(window, "bench", {
    firstAnswer,
    answer: async () => Array.from(await engine.network(input)),
    network: () => time(() => engine.network(input)),
    /** What a GPU is given for one answer, and what it has compiled so far. */
    work: async () => {
        const before = work.dispatches;
        await engine.network(input);
        return { dispatches: work.dispatches - before, shaders: work.shaders };
    },
    poster: () => time(() => engine.poster(poster)),
    /** @param {string[]} names */
    posters: async (names) => {
        const files = await Promise.all(names.map(async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer())));
        return time(() => engine.posters(files));
    },
});
document.title = "ready";
