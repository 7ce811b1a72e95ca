//! The JavaScript boundary, the only file with JavaScript types. It converts and delegates.

use burn::tensor::Device;
use js_sys::Uint8Array;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::bundle::Bundle;
use crate::error::Error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Where a classifier computes. */
export type DeviceName = "cpu" | "webgpu";

export interface LoadOptions {
    /** Defaults to "webgpu" in a package that has it, otherwise to "cpu". */
    device?: DeviceName;
}

export interface ClassifyOptions {
    /** How many genres to return, the most probable first; all where absent. */
    top?: number;
}

export interface Prediction {
    genre: string;
    /** 0..1; genres are judged each for itself, so these do not add up to 1. */
    probability: number;
    /** Whether the probability reaches the genre's threshold. */
    likely: boolean;
}
"#;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LoadOptions {
    device: Option<DeviceName>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ClassifyOptions {
    top: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DeviceName {
    Cpu,
    Webgpu,
}

/// Tells a film's genres from its poster.
#[wasm_bindgen]
pub struct Classifier {
    inner: crate::Classifier,
    device: DeviceName,
}

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[wasm_bindgen]
impl Classifier {
    /// Loads a bundle: the text of its `model.json` and the bytes of its weights, which are checked
    /// against each other.
    pub async fn load(
        manifest: String,
        weights: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "LoadOptions")] options: JsValue,
    ) -> Result<Classifier, JsValue> {
        let LoadOptions { device } = from_js(options)?;
        let name = device.unwrap_or(DEFAULT_DEVICE);
        let device = open(name).await.map_err(to_js)?;
        let bundle = Bundle::from_parts(&manifest, weights.to_vec(), &device).map_err(to_js)?;
        Ok(Self { inner: crate::Classifier::new(bundle, device), device: name })
    }

    /// The genres of the poster in an image file (JPEG, PNG, WebP or GIF), the most probable first.
    #[wasm_bindgen(unchecked_return_type = "Prediction[]")]
    pub async fn classify(
        &self,
        bytes: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<JsValue, JsValue> {
        let ClassifyOptions { top } = from_js(options)?;
        let mut predictions = self.inner.classify(&bytes.to_vec()).await.map_err(to_js)?;
        predictions.truncate(top.unwrap_or(usize::MAX));
        Ok(serde_wasm_bindgen::to_value(&predictions)?)
    }

    /// Where this classifier computes.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceName")]
    pub fn device(&self) -> String {
        match self.device {
            DeviceName::Cpu => "cpu".into(),
            DeviceName::Webgpu => "webgpu".into(),
        }
    }
}

const DEFAULT_DEVICE: DeviceName =
    if cfg!(feature = "webgpu") { DeviceName::Webgpu } else { DeviceName::Cpu };

async fn open(name: DeviceName) -> Result<Device, Error> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Cpu => Ok(Device::flex()),
        #[cfg(not(feature = "flex"))]
        DeviceName::Cpu => Err(not_built("CPU", "cpu")),
        #[cfg(feature = "webgpu")]
        DeviceName::Webgpu => open_webgpu().await,
        #[cfg(not(feature = "webgpu"))]
        DeviceName::Webgpu => Err(not_built("WebGPU", "gpu")),
    }
}

#[cfg(not(all(feature = "flex", feature = "webgpu")))]
fn not_built(device: &'static str, package: &str) -> Error {
    Error::Device { device, reason: format!("this package was built without it; load {package}/") }
}

/// Burn initialises a GPU once in a process; later classifiers share it.
#[cfg(feature = "webgpu")]
async fn open_webgpu() -> Result<Device, Error> {
    use std::cell::RefCell;

    thread_local! {
        static OPEN: RefCell<Option<Device>> = const { RefCell::new(None) };
    }
    if let Some(device) = OPEN.with_borrow(Clone::clone) {
        return Ok(device);
    }
    let device = Device::wgpu_options()
        .init_async()
        .await
        .map_err(|error| Error::Device { device: "WebGPU", reason: error.to_string() })?;
    OPEN.set(Some(device.clone()));
    Ok(device)
}

/// `undefined` and `null` are the defaults.
fn from_js<T: Default + for<'de> Deserialize<'de>>(options: JsValue) -> Result<T, JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(options).map_err(|error| {
        let error = js_sys::TypeError::new(&format!("options: {error}"));
        error.into()
    })
}

/// A JavaScript `Error` whose name is the kind.
fn to_js(error: Error) -> JsValue {
    let js = js_sys::Error::new(&error.to_string());
    js.set_name(error.kind());
    js.into()
}
