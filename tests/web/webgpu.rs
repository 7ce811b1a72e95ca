//! Burn on WebGPU: the same probabilities and features as natively. Skipped where the browser offers no GPU.

use burn::tensor::Tensor;
use js_sys::Promise;
use marquee::web::open_webgpu;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::{fixture, golden, predicts_as_natively};

/// Whether the browser offers a GPU; logs that the test is skipped if not.
pub(crate) async fn has_webgpu() -> bool {
    let adapter = js_sys::eval("Promise.resolve(navigator.gpu?.requestAdapter())").unwrap();
    let adapter = JsFuture::from(adapter.unchecked_into::<Promise>()).await.unwrap();
    let found = adapter.is_object();
    if !found {
        // Set where the tests must not be skipped.
        assert!(option_env!("MARQUEE_REQUIRE_WEBGPU").is_none(), "this browser offers no GPU");
        console_log!("skipped: this browser offers no GPU");
    }
    found
}

#[wasm_bindgen_test]
async fn webgpu_predicts_as_natively() {
    if has_webgpu().await {
        predicts_as_natively("webgpu").await;
    }
}

/// Odd sizes and a batch of posters, to reach every edge of every kernel.
#[wasm_bindgen_test]
async fn webgpu_computes_every_size_as_natively() {
    if !has_webgpu().await {
        return;
    }
    let device = open_webgpu().await.unwrap();
    for (size, expected) in fixture::ODD_SIZES.into_iter().zip(golden().features) {
        let model = fixture::model(size, &device);
        // In two halves, as in fine-tuning, where the activations in between are in Burn's layout.
        let half = model.run(0..4, fixture::posters(size, &device));
        let half = half.into_data_async().await.unwrap();
        let found = model.run(4..9, Tensor::from_data(half, &device));
        let found = fixture::excerpt(found.into_data_async().await.unwrap());
        let difference = fixture::largest_difference(&found, &expected);
        assert!(difference < 1e-3, "{size:?}: off by {difference}");
    }
}
