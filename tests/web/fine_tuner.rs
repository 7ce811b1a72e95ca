//! A fine-tuner answers while it trains, and its training can be stopped.

use js_sys::Uint8Array;
use marquee::web::FineTuner;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::api::{LITE, run};
use crate::fixture;

/// Returns a fine-tuner with four posters to learn from; `None` where its device is missing.
async fn tuner() -> Option<JsValue> {
    let device = if cfg!(feature = "flex") { "cpu" } else { "webgpu" };
    #[cfg(feature = "webgpu")]
    if device == "webgpu" && !crate::webgpu::has_webgpu().await {
        return None;
    }
    let options = format!(
        "{{\"device\": \"{device}\", \"newGenres\": [\"Night\"], \"steps\": 12, \"views\": 1, \"folds\": 2}}"
    );
    let file = Uint8Array::from(LITE);
    let tuner =
        JsValue::from(FineTuner::open(file.into(), crate::options(&options)).await.unwrap());
    let posters = Uint8Array::from(fixture::POSTER_PNG);
    let refused: usize = run(
        "const poster = (Night) => ({ bytes: second, labels: { Night } });
         const results = await first.add([true, false, true, false].map(poster));
         return results.filter(Boolean).length;",
        [tuner.clone(), posters.into()],
    )
    .await;
    assert_eq!(refused, 0);
    Some(tuner)
}

#[wasm_bindgen_test]
async fn calls_are_answered_while_train_runs() {
    let Some(tuner) = tuner().await else { return };
    let found: Vec<String> = run(
        "const genres = [];
         const training = first.train(() => void genres.push(first.genres.at(-1)));
         const second_train = await first.train().catch((error) => error.name);
         let rename = 'renamed';
         try { first.rename('Night', 'Day'); } catch (error) { rename = error.name; }
         const report = await first.evaluate();
         const file = await first.export();
         const add = await first.add([{ bytes: second, labels: {} }]).catch((error) => error.name);
         const { step } = await training;
         first.rename('Night', 'Day');
         return [genres[0], second_train, rename, typeof report.posters, file.constructor.name, add, String(step), first.genres.at(-1)];",
        [tuner, Uint8Array::from(fixture::POSTER_PNG).into()],
    )
    .await;
    assert_eq!(
        found,
        ["Night", "Busy", "Busy", "number", "Uint8Array", "NotTeachable", "12", "Day"]
    );
}

#[wasm_bindgen_test]
async fn a_signal_stops_train_and_another_call_continues() {
    let Some(tuner) = tuner().await else { return };
    let found: Vec<String> = run(
        "const controller = new AbortController();
         let stopped = 0;
         const onProgress = ({ step }) => { stopped = step; controller.abort(); };
         const { signal } = controller;
         const name = await first.train(onProgress, { signal }).catch((error) => error.name);
         const again = await first.train(null, { signal }).catch((error) => error.name);
         const { step } = await first.train();
         return [name, again, String(stopped > 0 && stopped < step), String(step)];",
        [tuner, JsValue::UNDEFINED],
    )
    .await;
    assert_eq!(found, ["AbortError", "AbortError", "true", "12"]);
}

#[wasm_bindgen_test]
async fn options_of_fine_tuning_are_checked() {
    let Some(tuner) = tuner().await else { return };
    let found: Vec<String> = run(
        "const message = (promise) => promise.then(() => 'accepted', ({ name, message }) => `${name}: ${message}`);
         const { constructor } = first;
         return [
             await message(first.train(null, { signal: 3 })),
             await message(first.train(null, { sginal: null, stop: true })),
             await message(constructor.open(second, { step: 3 })),
             await message(constructor.open(second, { steps: 'many' })),
         ];",
        [tuner, Uint8Array::from(LITE).into()],
    )
    .await;
    for (found, expected) in found.iter().zip([
        ["TypeError", "\"signal\"", "AbortSignal"],
        ["TypeError", "\"stop\"", "are signal"],
        ["TypeError", "\"step\"", "device, newGenres, depth, steps"],
        ["TypeError", "\"steps\"", "a whole number"],
    ]) {
        assert!(
            expected.iter().all(|part| found.contains(part)),
            "{found} lacks one of {expected:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_fine_tuner_may_be_freed_while_it_trains() {
    let Some(tuner) = tuner().await else { return };
    let step: usize = run(
        "const training = first.train(); first.free(); return (await training).step;",
        [tuner, JsValue::UNDEFINED],
    )
    .await;
    assert_eq!(step, 12);
}
