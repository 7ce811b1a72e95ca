// A page of another project, which a bundler builds from the packed package.
import { load, type Classification } from "@marquee/web";

// Only for esbuild, which does not carry the package's files along.
const { assets } = document.documentElement.dataset;

async function run(): Promise<void> {
    const marquee = await load({ device: "cpu", workers: 2, ...(assets && { assets }) });
    const single: Classification = await marquee.classify("/lighthouse.jpg", { heatmaps: ["Drama"] });
    const poster = await (await fetch("/lighthouse.jpg")).blob();
    const batch: string[] = [JSON.stringify((await marquee.classify(poster)).genres)];
    for await (const { error, genres } of marquee.classifyAll([poster, poster])) batch.push(error?.message ?? JSON.stringify(genres));
    const tuner = await marquee.fineTuner({ newGenres: ["Night"], steps: 2 });
    await tuner.add([{ input: poster, labels: { Night: true } }]);
    const { step } = await tuner.train();
    marquee.close();
    document.body.dataset.result = JSON.stringify({ genres: single.genres, places: single.heatmaps?.genres[0]?.values.length, batch, step });
}

run().catch((error: unknown) => {
    document.body.dataset.result = JSON.stringify({ failure: String(error) });
});
