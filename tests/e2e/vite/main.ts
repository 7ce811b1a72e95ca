// A page of another project, built by a bundler from the packed package.
import init, { Classifier, type Prediction } from "marquee";

await init();
const manifest = await (await fetch("/model/model.json")).text();
const weights = await (await fetch(`/model/${JSON.parse(manifest).weights.file}`)).arrayBuffer();
const classifier = await Classifier.load(manifest, new Uint8Array(weights));
const poster = await (await fetch("/samples/lighthouse.jpg")).arrayBuffer();
const genres: Prediction[] = await classifier.classify(new Uint8Array(poster));
document.body.dataset.result = JSON.stringify({ device: classifier.device, genres });
