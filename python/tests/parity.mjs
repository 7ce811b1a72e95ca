/** Prints the page's answers: the CPU package in Node. Arguments: its folder, the model's folder, image files. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, model, ...files] = process.argv.slice(2);
const marquee = await import(pathToFileURL(join(folder, "marquee.js")).href);
marquee.initSync({ module: readFileSync(join(folder, "marquee_bg.wasm")) });
const manifest = readFileSync(join(model, "model.json"), "utf8");
const weights = readFileSync(join(model, JSON.parse(manifest).weights.file));
const classifier = await marquee.Classifier.load(manifest, new Uint8Array(weights));
const answers = [];
for (const file of files) {
    const genres = await classifier.classify(new Uint8Array(readFileSync(file)));
    answers.push(Object.fromEntries(genres.map(({ genre, probability }) => [genre, probability])));
}
console.log(JSON.stringify(answers));
