//! What JavaScript passes and gets: options are checked, files may be bytes or blobs, heatmaps are typed arrays.

use js_sys::{Array, Float32Array, Function, Promise, Uint8Array};
use marquee::web::Classifier;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{MANIFEST, WEIGHTS, fixture, load, load_error, options};

/// A fine-tuned Lite0, which has heatmaps.
pub(crate) const LITE: &[u8] = include_bytes!("../fixtures/v0.1/fine-tuned.safetensors");

/// Calls a function with the given body in JavaScript, awaits what it returns, and reads that.
pub(crate) async fn run<T: for<'de> Deserialize<'de>>(
    body: &str,
    [first, second]: [JsValue; 2],
) -> T {
    let body = format!("return (async () => {{ {body} }})();");
    let function = Function::new_with_args("first, second", &body);
    let promise: Promise =
        function.call2(&JsValue::NULL, &first, &second).unwrap().unchecked_into();
    match JsFuture::from(promise).await {
        Ok(value) => serde_wasm_bindgen::from_value(value).unwrap(),
        Err(error) => panic!("{error:?}"),
    }
}

fn poster() -> Uint8Array {
    Uint8Array::from(fixture::POSTER_PNG)
}

/// Returns the error of classifying with some options.
async fn refusal(file: JsValue, options: JsValue) -> (String, String) {
    let error = load("cpu").await.classify(file, options).await.unwrap_err();
    let error: js_sys::Error = error.unchecked_into();
    (error.name().into(), error.message().into())
}

#[wasm_bindgen_test]
async fn an_unknown_option_is_refused_with_the_known_ones() {
    let (name, message) = refusal(poster().into(), options("{\"topK\": 3}")).await;
    assert_eq!(name, "TypeError");
    assert!(message.contains("topK") && message.contains("are top"), "{message}");
    let (name, message) = load_error(MANIFEST, WEIGHTS, options("{\"devise\": \"cpu\"}")).await;
    assert_eq!(name, "TypeError");
    assert!(message.contains("devise") && message.contains("are device"), "{message}");
}

#[wasm_bindgen_test]
async fn an_option_of_the_wrong_type_is_named() {
    for wrong in ["\"3\"", "-1", "1.5", "true", "[1]", "{}"] {
        let options = options(&format!("{{\"top\": {wrong}}}"));
        let (name, message) = refusal(poster().into(), options).await;
        assert_eq!(name, "TypeError", "{wrong}");
        assert!(message.contains("\"top\"") && message.contains("a whole number"), "{message}");
    }
    for wrong in ["3", "\"top\"", "[]", "true"] {
        let (name, message) = refusal(poster().into(), options(wrong)).await;
        assert_eq!(name, "TypeError", "{wrong}");
        assert!(message.contains("must be an object"), "{message}");
    }
}

#[wasm_bindgen_test]
async fn an_undefined_option_is_the_default() {
    let genres: usize = run(
        "return (await first.classify(second, { top: undefined })).length",
        [load("cpu").await.into(), poster().into()],
    )
    .await;
    assert_eq!(genres, 4);
}

#[wasm_bindgen_test]
async fn a_file_may_be_bytes_a_buffer_a_blob_or_a_file() {
    let equal: Vec<bool> = run(
        "const bytes = await first.classify(second);
         const files = [second.buffer.slice(0), new Blob([second]), new File([second], 'poster.png')];
         const answers = await Promise.all(files.map((file) => first.classify(file)));
         answers.push(...await first.classifyAll(files));
         return answers.map((answer) => JSON.stringify(answer) === JSON.stringify(bytes));",
        [load("cpu").await.into(), poster().into()],
    )
    .await;
    assert_eq!(equal, [true; 6]);
}

#[wasm_bindgen_test]
async fn anything_else_is_no_file() {
    for (value, what) in [
        (JsValue::from("poster.jpg"), "a string"),
        (JsValue::UNDEFINED, "undefined"),
        (Array::new().into(), "an array"),
        (options("{}"), "another object"),
    ] {
        let (name, message) = refusal(value, JsValue::UNDEFINED).await;
        assert_eq!(name, "TypeError");
        assert!(message.contains("a Blob") && message.contains(what), "{message}");
    }
}

#[wasm_bindgen_test]
async fn heatmaps_are_typed_arrays_with_a_shape() {
    let classifier = Classifier::open(Uint8Array::from(LITE).into(), JsValue::UNDEFINED).await;
    let explanation = classifier.unwrap().explain(poster().into()).await.unwrap();
    let get = |object: &JsValue, key: &str| js_sys::Reflect::get(object, &key.into()).unwrap();
    let heatmaps = get(&explanation, "heatmaps");
    let shape: [u32; 2] = serde_wasm_bindgen::from_value(get(&heatmaps, "shape")).unwrap();
    let counts =
        ["y", "x"].map(|axis| get(&get(&heatmaps, axis), "count").as_f64().unwrap() as u32);
    assert_eq!(shape, counts);
    let genres: Array = get(&heatmaps, "genres").unchecked_into();
    assert!(genres.length() > 20);
    for genre in genres {
        let values: Float32Array = get(&genre, "values").dyn_into().unwrap();
        assert_eq!(values.length(), shape[0] * shape[1]);
    }
}
