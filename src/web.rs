//! The JavaScript boundary: with `finetune.rs` below it the only place with JavaScript types. It converts and
//! delegates.

#[cfg(feature = "autodiff")]
mod finetune;

#[cfg(feature = "webgpu")]
use burn::tensor::Device;
use js_sys::{Array, Uint8Array, Uint8ClampedArray};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[cfg(feature = "webgpu")]
use crate::bundle::Bundle;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::labels::Labels;
use crate::manifest::{Manifest, Metric};
use crate::metrics::{Answers, GenreFigures};
use crate::weights;

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

/** Places along one side of the poster. */
export interface Places {
    count: number;
    /** The first one's middle, as a share of the side: 0 is its beginning, 1 its end. */
    first: number;
    /** From one middle to the next, as a share of the side. */
    step: number;
}

/** What speaks for a genre, and what against it, place by place. */
export interface Heatmap {
    genre: string;
    /** What the genre has without looking at the poster, in log-odds. */
    bias: number;
    /** What each place adds to the log-odds, rows from the top: y.count * x.count values. */
    values: number[];
}

export interface Explanation {
    /** All genres, the most probable first. */
    predictions: Prediction[];
    heatmaps: { x: Places; y: Places; genres: Heatmap[] };
}

/** True genres, read from a CSV with a column Id and one 0/1 column a genre. */
export interface Labels {
    genres: string[];
    rows: { id: string; labels: boolean[] }[];
}

/** A network's answer about a poster whose genres are known; both in the order of the manifest's genres. */
export interface LabelledAnswer {
    probabilities: number[];
    labels: boolean[];
}

/** What a bundle's `model.json` says, in part. */
export interface Manifest {
    format_version: number;
    architecture: { name: string };
    input: { width: number; height: number };
    genres: {
        name: string;
        /** Probability from which on a poster counts as one of the genre. */
        threshold: number;
        /** Training posters that had it. */
        posters: number;
        quality?: { positives: number; average_precision: number };
    }[];
    metrics: Metric[];
    training: {
        config: string;
        data: string;
        train_posters: number;
        valid_posters: number;
        test_posters: number;
        device: string;
        minutes: number;
        licence: string;
    };
    weights: { file: string; bytes: number; sha256: string };
}

/** One figure of quality. */
export interface Metric {
    name: string;
    value: number;
    /** What the better of the trivial baselines scores, where that says anything. */
    baseline?: number | null;
    higher_is_better: boolean;
}

export interface Evaluation {
    posters: number;
    metrics: Metric[];
    genres: {
        genre: string;
        /** Posters that have it. */
        positives: number;
        /** Posters that are said to have it. */
        predicted: number;
        average_precision: number;
        auroc: number;
        precision: number;
        recall: number;
        f1: number;
        threshold: number;
    }[];
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

#[derive(Deserialize)]
struct LabelledAnswer {
    probabilities: Vec<f32>,
    labels: Vec<bool>,
}

#[derive(Serialize)]
struct Judged {
    posters: usize,
    metrics: Vec<Metric>,
    genres: Vec<GenreFigures>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeviceName {
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
        begin(options, &manifest, &weights.to_vec()).await
    }

    /// Loads a bundle in one file, as `FineTuner.export` gives it.
    pub async fn open(
        file: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "LoadOptions")] options: JsValue,
    ) -> Result<Classifier, JsValue> {
        let (manifest, weights) = weights::split_manifest(&file.to_vec()).map_err(to_js)?;
        begin(options, &manifest, &weights).await
    }

    /// What the bundle says of itself: its `model.json`, parsed.
    #[wasm_bindgen(getter, unchecked_return_type = "Manifest")]
    pub fn manifest(&self) -> Result<JsValue, JsValue> {
        let json = self.inner.manifest().to_json().map_err(to_js)?;
        js_sys::JSON::parse(&json)
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

    /// The genres of a picture that is decoded already, as `ImageData` holds it: red, green, blue and alpha of
    /// each pixel, rows from the top.
    #[wasm_bindgen(js_name = classifyPixels, unchecked_return_type = "Prediction[]")]
    pub async fn classify_pixels(
        &self,
        rgba: Uint8ClampedArray,
        width: u32,
        height: u32,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<JsValue, JsValue> {
        let ClassifyOptions { top } = from_js(options)?;
        let answer = self.inner.classify_pixels(rgba.to_vec(), width, height).await;
        let mut predictions = answer.map_err(to_js)?;
        predictions.truncate(top.unwrap_or(usize::MAX));
        Ok(serde_wasm_bindgen::to_value(&predictions)?)
    }

    /// What the network sees of the poster in an image file: red, green and blue of each pixel, rows from the top, at
    /// the manifest's input size.
    pub fn pixels(&self, bytes: Uint8Array) -> Result<Uint8Array, JsValue> {
        let pixels = self.inner.manifest().input.decode(&bytes.to_vec()).map_err(to_js)?;
        Ok(Uint8Array::from(pixels.rgb.as_slice()))
    }

    /// The genres of many posters, which are classified together: for each file its predictions, or the
    /// `Error` for which it cannot be read.
    #[wasm_bindgen(js_name = classifyAll, unchecked_return_type = "(Prediction[] | Error)[]")]
    pub async fn classify_all(
        &self,
        files: Vec<Uint8Array>,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<Array, JsValue> {
        let ClassifyOptions { top } = from_js(options)?;
        let files: Vec<Vec<u8>> = files.iter().map(Uint8Array::to_vec).collect();
        let answers = self.inner.classify_all(&files).await.map_err(to_js)?;
        let answers = answers.into_iter().map(|answer| match answer {
            Ok(mut predictions) => {
                predictions.truncate(top.unwrap_or(usize::MAX));
                Ok(serde_wasm_bindgen::to_value(&predictions)?)
            }
            Err(error) => Ok(to_js(error)),
        });
        answers.collect()
    }

    /// The genres of a poster, and where in it each was seen.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub async fn explain(&self, bytes: Uint8Array) -> Result<JsValue, JsValue> {
        let explanation = self.inner.explain(&bytes.to_vec()).await.map_err(to_js)?;
        Ok(serde_wasm_bindgen::to_value(&explanation)?)
    }

    /// Every figure of some answers, beside what guessing scores on the same posters.
    #[wasm_bindgen(unchecked_return_type = "Evaluation")]
    pub fn evaluate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "LabelledAnswer[]")] answers: JsValue,
    ) -> Result<JsValue, JsValue> {
        let answers: Vec<LabelledAnswer> = serde_wasm_bindgen::from_value(answers)?;
        let manifest = self.inner.manifest();
        let genres = manifest.genres.len();
        if answers.iter().any(|a| a.probabilities.len() != genres || a.labels.len() != genres) {
            let message = format!("each answer takes {genres} probabilities and {genres} labels");
            return Err(js_sys::TypeError::new(&message).into());
        }
        let (probabilities, labels): (Vec<_>, Vec<_>) =
            answers.into_iter().map(|answer| (answer.probabilities, answer.labels)).unzip();
        let decisions = manifest.decide(&probabilities);
        let answers =
            Answers { probabilities: &probabilities, decisions: &decisions, labels: &labels };
        let evaluation = Evaluation::of(manifest, answers);
        let metrics = evaluation.to_metrics();
        let Evaluation { posters, genres, .. } = evaluation;
        Ok(serde_wasm_bindgen::to_value(&Judged { posters, metrics, genres })?)
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

async fn begin(options: JsValue, json: &str, weights: &[u8]) -> Result<Classifier, JsValue> {
    let LoadOptions { device } = from_js(options)?;
    let device = device.unwrap_or(DEFAULT_DEVICE);
    let inner = match device {
        DeviceName::Cpu => on_cpu(json, weights).await,
        #[cfg(feature = "webgpu")]
        DeviceName::Webgpu => open_webgpu().await.and_then(|device| {
            let bundle = Bundle::from_parts(json, weights, &device)?;
            Ok(crate::Classifier::new(bundle, device))
        }),
        #[cfg(not(feature = "webgpu"))]
        DeviceName::Webgpu => Err(not_built("WebGPU", "gpu")),
    };
    Ok(Classifier { inner: inner.map_err(to_js)?, device })
}

async fn on_cpu(json: &str, weights: &[u8]) -> crate::Result<crate::Classifier> {
    let manifest = Manifest::from_json(json)?;
    match digest(weights).await {
        Ok(hash) => {
            manifest.weights.check_length(weights)?;
            manifest.weights.check_hash(&hash)?;
        }
        Err(_) => manifest.weights.check(weights)?,
    }
    crate::Classifier::on_cpu(manifest, weights)
}

/// SHA-256 by the browser, which takes a tenth of the time. It refuses where a page did not come over HTTPS.
async fn digest(bytes: &[u8]) -> Result<Vec<u8>, JsValue> {
    let crypto = js_sys::Reflect::get(&js_sys::global(), &"crypto".into())?;
    let crypto: web_sys::Crypto = crypto.unchecked_into();
    if crypto.is_undefined() || js_sys::Reflect::get(&crypto, &"subtle".into())?.is_undefined() {
        return Err(JsValue::UNDEFINED);
    }
    let digest = crypto.subtle().digest_with_str_and_u8_array("SHA-256", bytes)?;
    Ok(Uint8Array::new(&JsFuture::from(digest).await?).to_vec())
}

/// Reads true genres from the text of a CSV in the layout of the Kaggle set.
#[wasm_bindgen(js_name = readLabels, unchecked_return_type = "Labels")]
pub fn read_labels(csv: &str) -> Result<JsValue, JsValue> {
    let labels = Labels::read(csv.as_bytes(), None).map_err(to_js)?;
    Ok(serde_wasm_bindgen::to_value(&labels)?)
}

pub(crate) const DEFAULT_DEVICE: DeviceName =
    if cfg!(feature = "webgpu") { DeviceName::Webgpu } else { DeviceName::Cpu };

#[cfg(any(not(feature = "webgpu"), all(feature = "autodiff", not(feature = "flex"))))]
pub(crate) fn not_built(device: &'static str, package: &str) -> Error {
    Error::Device { device, reason: format!("this package was built without it; load {package}/") }
}

// CubeCL's compiler registers its operations by constructors, some thousand. Unless a module calls them itself,
// the linker takes it for a command that runs once, and puts the call in front of every exported function:
// wasm-bindgen's own among them, which WebGPU needs several times a dispatch. It was two thirds of an answer's
// time.
#[cfg(feature = "webgpu")]
#[allow(unsafe_code)] // there is no safe way to name what the linker makes
unsafe extern "C" {
    // Safe: it takes nothing, and may be called again.
    safe fn __wasm_call_ctors();
}

/// Burn initialises a GPU once in a process; later classifiers share it.
///
/// # Errors
/// The browser has no WebGPU, or no adapter for it.
#[cfg(feature = "webgpu")]
pub async fn open_webgpu() -> Result<Device, Error> {
    use std::cell::RefCell;

    thread_local! {
        static OPEN: RefCell<Option<Device>> = const { RefCell::new(None) };
    }
    if let Some(device) = OPEN.with_borrow(Clone::clone) {
        return Ok(device);
    }
    __wasm_call_ctors();
    let device = Device::wgpu_options()
        .init_async()
        .await
        .map_err(|error| Error::Device { device: "WebGPU", reason: error.to_string() })?;
    OPEN.set(Some(device.clone()));
    Ok(device)
}

/// `undefined` and `null` are the defaults.
pub(crate) fn from_js<T: Default + for<'de> Deserialize<'de>>(
    options: JsValue,
) -> Result<T, JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(options).map_err(|error| {
        let error = js_sys::TypeError::new(&format!("options: {error}"));
        error.into()
    })
}

/// A JavaScript `Error` whose name is the kind.
pub(crate) fn to_js(error: Error) -> JsValue {
    let js = js_sys::Error::new(&error.to_string());
    js.set_name(error.kind());
    js.into()
}
