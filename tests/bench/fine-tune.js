/** Trains the head on a new genre with forty posters, in Marquee or in TensorFlow.js. */

import { decode } from "./engines/input.js";

const [POSTERS, BATCH, RATE, PULL, DECAY] = [40, 32, 1e-3, 1, 2];
const query = new URLSearchParams(location.search);
const device = query.get("device") === "webgpu" ? "webgpu" : "cpu";

/** Paints the sample poster dark or bright; every second one has the genre Night. */
async function posters() {
    const image = await createImageBitmap(await (await fetch("../www/samples/lighthouse.jpg")).blob());
    const canvas = new OffscreenCanvas(160, 240);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    const files = [];
    for (let index = 0; index < POSTERS; index++) {
        context.drawImage(image, 0, 0, 160, 240);
        context.fillStyle = index % 2 ? `rgb(255 240 ${5 * index} / 50%)` : `rgb(0 0 ${2 * index} / 70%)`;
        context.fillRect(0, 0, 160, 240);
        files.push(new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer()));
    }
    return files;
}

/** Steps per second, and the first and the last reported loss. @typedef {{ rate: number, losses: [number, number] }} Trained */

const trainers = {
    /** @returns {Promise<(steps: number) => Promise<Trained>>} */
    async marquee() {
        const { FineTuner, default: init } = await import(`../www/pkg/${device === "cpu" ? "teach" : "gpu"}/marquee.js`);
        await init();
        const manifest = await (await fetch("../www/model/model.json")).text();
        const weights = new Uint8Array(await (await fetch(`../www/model/${JSON.parse(manifest).weights.file}`)).arrayBuffer());
        const files = await posters();
        return async (steps) => {
            const options = { device, newGenres: ["Night"], steps, batchSize: BATCH, learningRate: RATE, pull: PULL, decay: DECAY, views: 1, folds: 0 };
            const tuner = await FineTuner.load(manifest, weights, options);
            await tuner.add(files.map((bytes, index) => ({ bytes, labels: { Night: index % 2 === 0 } })));
            /** @type {number[]} */
            const losses = [];
            const started = performance.now();
            await tuner.train((/** @type {{ loss: number }} */ { loss }) => void losses.push(loss));
            const rate = steps / ((performance.now() - started) / 1000);
            tuner.free();
            return { rate, losses: [losses[0] ?? NaN, losses.at(-1) ?? NaN] };
        };
    },
    /** The same loss, penalty and optimiser on the features of the same model. @returns {Promise<(steps: number) => Promise<Trained>>} */
    async tensorflow() {
        const engine = await (await import("./engines/tensorflow.js")).load(device, true);
        const { tf } = engine;
        const rows = [];
        for (const file of await posters()) rows.push(engine.features(await decode(file, engine.input)));
        const features = tf.concat(rows);
        const genres = engine.head.bias.shape[0] + 1;
        // Each poster has one known label: that of the new genre.
        const known = tf.tensor2d([Array.from({ length: genres }, (_, genre) => Number(genre === genres - 1))]);
        const labels = tf.tensor2d(Array.from({ length: POSTERS }, (_, index) => Array.from({ length: genres }, (_, genre) => Number(genre === genres - 1 && index % 2 === 0))));
        const pull = tf.tensor2d([Array.from({ length: genres }, (_, genre) => (genre === genres - 1 ? DECAY : PULL))]);
        const origin = {
            weight: tf.concat([engine.head.weight, tf.zeros([1280, 1])], 1),
            bias: tf.concat([engine.head.bias, tf.zeros([1])]),
        };
        return async (steps) => {
            const [weight, bias] = [tf.variable(origin.weight), tf.variable(origin.bias)];
            const adam = tf.train.adam(RATE);
            const losses = [];
            const started = performance.now();
            for (let step = 0; step < steps; step++) {
                const drawn = Int32Array.from({ length: BATCH }, () => Math.floor(Math.random() * POSTERS));
                const loss = tf.tidy(() => {
                    const indices = tf.tensor1d(drawn, "int32");
                    const [x, y] = [tf.gather(features, indices), tf.gather(labels, indices)];
                    return adam.minimize(() => {
                        const z = tf.add(tf.matMul(x, weight), bias);
                        const entropies = tf.add(tf.sub(tf.relu(z), tf.mul(z, y)), tf.log1p(tf.exp(tf.neg(tf.abs(z)))));
                        const entropy = tf.div(tf.sum(tf.mul(entropies, known)), BATCH);
                        const distance = tf.add(tf.sum(tf.square(tf.sub(weight, origin.weight)), 0, true), tf.square(tf.sub(bias, origin.bias)));
                        return tf.add(entropy, tf.sum(tf.mul(distance, pull)));
                    }, true);
                });
                // Marquee reads the loss ten times a second, too, and then yields to the page.
                if (step % 20 === 0 || step === steps - 1) losses.push((await loss.data())[0]);
                loss.dispose();
            }
            const rate = steps / ((performance.now() - started) / 1000);
            weight.dispose();
            bias.dispose();
            adam.dispose();
            return { rate, losses: [losses[0], losses.at(-1)] };
        };
    },
};

const train = await trainers[query.get("engine") === "tensorflow" ? "tensorflow" : "marquee"]();
Reflect.set(window, "bench", { train });
document.title = "ready";
