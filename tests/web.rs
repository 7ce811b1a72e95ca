//! The crate in a browser: the same tensors and probabilities as natively, on the CPU and on WebGPU.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // panics show where a test fails

#[path = "web/api.rs"]
mod api;
mod corpus;
#[cfg(feature = "autodiff")]
#[path = "web/fine_tuner.rs"]
mod fine_tuner;
mod fixture;
mod kernels;
#[cfg(feature = "webgpu")]
#[path = "web/webgpu.rs"]
mod webgpu;

use js_sys::{JSON, Uint8Array};
use marquee::Preprocess;
use marquee::web::Classifier;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use corpus::{Case, Outcome};
use fixture::Golden;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const MANIFEST: &str = include_str!("fixtures/tiny/model.json");
const WEIGHTS: &[u8] = include_bytes!("fixtures/tiny/weights.safetensors");

fn golden() -> Golden {
    serde_json::from_str(include_str!("fixtures/golden.json")).unwrap()
}

fn input() -> Preprocess {
    marquee::Manifest::from_json(MANIFEST).unwrap().input
}

#[derive(Deserialize)]
struct Prediction {
    genre: String,
    probability: f32,
}

fn options(json: &str) -> JsValue {
    JSON::parse(json).unwrap()
}

async fn load(device: &str) -> Classifier {
    let options = options(&format!("{{\"device\": \"{device}\"}}"));
    Classifier::load(MANIFEST.into(), Uint8Array::from(WEIGHTS).into(), options).await.unwrap()
}

/// Returns the probabilities of a poster, in the manifest's order.
async fn probabilities(classifier: &Classifier, poster: &[u8]) -> Vec<f32> {
    let array =
        classifier.classify(Uint8Array::from(poster).into(), JsValue::UNDEFINED).await.unwrap();
    let mut predictions: Vec<Prediction> = serde_wasm_bindgen::from_value(array).unwrap();
    assert!(predictions.is_sorted_by(|a, b| a.probability >= b.probability));
    predictions.sort_by(|a, b| a.genre.cmp(&b.genre)); // the fixture's genres are in alphabetical order
    predictions.into_iter().map(|prediction| prediction.probability).collect()
}

async fn predicts_as_natively(device: &str) {
    let classifier = load(device).await;
    assert_eq!(classifier.device(), device);
    let golden = golden();
    for (poster, expected) in [
        (fixture::POSTER_PNG, golden.png_probabilities),
        (fixture::POSTER_JPEG, golden.jpeg_probabilities),
    ] {
        let found = probabilities(&classifier, poster).await;
        let difference = fixture::largest_difference(&found, &expected);
        assert!(difference < 1e-3, "{device}: {found:?} is not {expected:?}");
    }
}

#[wasm_bindgen_test]
fn the_same_pixels_give_the_same_tensor_bit_for_bit() {
    let pixels = input().decode(fixture::POSTER_PNG).unwrap();
    assert_eq!(fixture::tensor_hash(&input().normalise(&pixels)), golden().png_tensor_sha256);
}

#[wasm_bindgen_test]
fn the_same_jpeg_gives_the_same_pixels_within_one_level() {
    let pixels = input().decode(fixture::POSTER_JPEG).unwrap();
    let pairs = pixels.rgb().iter().zip(golden().jpeg_rgb);
    assert!(pairs.clone().count() > 0);
    assert!(pairs.into_iter().all(|(a, b)| a.abs_diff(b) <= 1));
}

#[wasm_bindgen_test]
async fn pixels_returns_the_input_of_the_model() {
    let pixels = load("cpu").await.pixels(Uint8Array::from(fixture::POSTER_PNG)).unwrap();
    assert_eq!(pixels.to_vec(), input().decode(fixture::POSTER_PNG).unwrap().rgb());
}

#[wasm_bindgen_test]
fn integer_kernels_equal_their_plain_twins() {
    kernels::expand_equals_its_twin();
    kernels::depthwise_equals_its_twin();
    kernels::project_equals_its_twin();
    kernels::quantise_stream_equals_its_twin();
    kernels::layers_with_remainders_are_refused();
}

#[wasm_bindgen_test]
async fn the_cpu_predicts_as_natively() {
    predicts_as_natively("cpu").await;
}

#[cfg(not(feature = "webgpu"))]
#[wasm_bindgen_test]
fn webgpu_is_skipped() {
    wasm_bindgen_test::console_log!(
        "skipped: the tests on WebGPU need `-- --features webgpu,autodiff`"
    );
}

#[wasm_bindgen_test]
async fn top_limits_the_number_of_predictions() {
    let classifier = load("cpu").await;
    let poster = Uint8Array::from(fixture::POSTER_PNG).into();
    let predictions = classifier.classify(poster, options("{\"top\": 2}")).await.unwrap();
    assert_eq!(predictions.unchecked_into::<js_sys::Array>().length(), 2);
}

async fn load_error(manifest: &str, weights: &[u8], load_options: JsValue) -> (String, String) {
    let loaded =
        Classifier::load(manifest.into(), Uint8Array::from(weights).into(), load_options).await;
    let error: js_sys::Error = loaded.err().expect("the bundle must be refused").unchecked_into();
    (error.name().into(), error.message().into())
}

#[wasm_bindgen_test]
async fn errors_describe_what_is_wrong() {
    let cut = &WEIGHTS[..WEIGHTS.len() - 7];
    let (name, message) = load_error(MANIFEST, cut, JsValue::UNDEFINED).await;
    assert_eq!(name, "WeightsLength");
    assert!(message.contains("incomplete"), "{message}");

    let (name, message) = load_error(MANIFEST, WEIGHTS, options("{\"device\": \"tpu\"}")).await;
    assert_eq!(name, "TypeError");
    assert!(message.contains("tpu"), "{message}");

    let classifier = load("cpu").await;
    for (bytes, kind) in [
        (&b""[..], "EmptyImage"),
        (b"Dear diary", "UnknownImageFormat"),
        (&fixture::POSTER_JPEG[..400], "DamagedImage"),
    ] {
        let refused = classifier.classify(Uint8Array::from(bytes).into(), JsValue::UNDEFINED).await;
        let error: js_sys::Error = refused.unwrap_err().unchecked_into();
        assert_eq!(String::from(error.name()), kind);
    }
    // A bad file does not affect later predictions.
    let found = probabilities(&classifier, fixture::POSTER_PNG).await;
    assert!(fixture::largest_difference(&found, &golden().png_probabilities) < 1e-3);
}

#[wasm_bindgen_test]
async fn classifies_or_refuses_untrusted_files_without_affecting_the_next() {
    let classifier = load("cpu").await;
    let expected = probabilities(&classifier, fixture::POSTER_JPEG).await;
    for Case { name, bytes, outcome } in corpus::cases() {
        let file = Uint8Array::from(bytes.as_slice()).into();
        match classifier.classify(file, JsValue::UNDEFINED).await {
            Ok(_) => assert_ne!(*outcome, Outcome::Refused, "{name}"),
            Err(error) => {
                let kind = String::from(error.unchecked_into::<js_sys::Error>().name());
                let kinds = ["EmptyImage", "UnknownImageFormat", "ImageTooLarge", "DamagedImage"];
                assert!(kinds.contains(&kind.as_str()), "{name}: {kind}");
                assert_ne!(*outcome, Outcome::Classified, "{name}");
            }
        }
        assert_eq!(
            probabilities(&classifier, fixture::POSTER_JPEG).await,
            expected,
            "after {name}"
        );
    }
}
