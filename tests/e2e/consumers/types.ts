// What a strict project may write, and what the compiler must refuse.
import { MarqueeError, fineTuner, load, paint, strongest, version, type BatchResult, type Heatmaps, type Marquee } from "@marquee/web";
import { MarqueePoster } from "@marquee/web/element";

export async function use(marquee: Marquee, image: HTMLImageElement, canvas: HTMLCanvasElement, files: FileList): Promise<void> {
    const genre: string | undefined = marquee.manifest.genres[0]?.name;
    const { genres, heatmaps, decoder } = await marquee.classify(image, { top: 3, heatmaps: true, signal: AbortSignal.timeout(1000) });
    const maps: Heatmaps | null = heatmaps;
    const [map] = maps?.genres ?? [];
    if (maps && map) paint(canvas, map, maps, strongest([map]));
    const results: BatchResult[] = [];
    for await (const result of marquee.classifyAll(files)) {
        if (result.error) console.log(result.index, result.error.message);
        else console.log(result.genres.length, result.milliseconds);
        results.push(result);
    }
    // @ts-expect-error: it is called `top`
    await marquee.classify(canvas, { topK: 3 });
    // @ts-expect-error: a number is no poster
    await marquee.classify(7);
    const tuner = await fineTuner({ depth: "head", newGenres: [version], assets: "/marquee/" });
    const errors: (Error | null)[] = await tuner.add([{ input: canvas, labels: { [genre ?? ""]: true } }]);
    const file: Uint8Array<ArrayBuffer> = await tuner.export();
    const other: Marquee = await load({ model: file, device: "webgpu", workers: "auto", onDevice: (device, reason) => console.log(device, reason?.code) });
    other.close();
    console.log(genres, decoder, errors, results, new MarqueePoster().result, other instanceof MarqueeError);

    const poster = document.querySelector("marquee-poster");
    poster?.addEventListener("classified", ({ detail }) => console.log(detail.genres[0]?.probability));
    poster?.addEventListener("error", ({ error }) => console.log(error));
    MarqueePoster.options = { device: "cpu" };
}
