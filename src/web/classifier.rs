//! `Classifier`: predictions, heatmaps and metrics.

mod types;

use js_sys::{Array, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::prelude::*;

use super::contents::Contents;
use super::convert::{to_js, type_error};
use super::device::{DEFAULT_DEVICE, DeviceName};
use super::digest::check_weights;
use super::options::from_js;
use crate::bundle::Manifest;
#[cfg(feature = "webgpu")]
use crate::bundle::{Bundle, BundleFiles};
use crate::metrics::{Evaluation, LabelledPredictions};
use crate::weights;
use types::{ClassifyOptions, EvaluationResult, JsExplanation, LabelledPrediction, LoadOptions};

/// Predicts a film's genres from its poster.
#[wasm_bindgen]
pub struct Classifier {
    inner: crate::Classifier,
    device: DeviceName,
}

#[wasm_bindgen]
impl Classifier {
    /// Loads a bundle from the text of its `model.json` and the bytes of its weight file. Rejects weights whose
    /// length or hash is not the manifest's.
    pub async fn load(
        manifest: String,
        #[wasm_bindgen(unchecked_param_type = "FileContents")] weights: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "LoadOptions")] options: JsValue,
    ) -> Result<Classifier, JsValue> {
        let options = from_js(&options)?;
        let weights = Contents::new(&weights)?.read().await.map_err(to_js)?;
        load(options, &manifest, &weights).await
    }

    /// Loads a bundle from one file, as returned by `FineTuner.export`.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "FileContents")] file: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "LoadOptions")] options: JsValue,
    ) -> Result<Classifier, JsValue> {
        let options = from_js(&options)?;
        let file = Contents::new(&file)?.read().await.map_err(to_js)?;
        let (manifest, weights) = weights::split_manifest(&file).map_err(to_js)?;
        drop(file);
        load(options, &manifest, &weights).await
    }

    /// The bundle's manifest: its `model.json`, parsed.
    #[wasm_bindgen(getter, unchecked_return_type = "Manifest")]
    pub fn manifest(&self) -> Result<JsValue, JsValue> {
        let json = self.inner.manifest().to_json().map_err(to_js)?;
        js_sys::JSON::parse(&json)
    }

    /// The device on which this classifier runs.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceName")]
    pub fn device(&self) -> String {
        match self.device {
            DeviceName::Cpu => "cpu".into(),
            DeviceName::Webgpu => "webgpu".into(),
        }
    }

    /// Predicts the genres of a poster from an image file (JPEG, PNG, WebP or GIF): its bytes, or a `Blob` such as a
    /// `File`. Returns the most probable first.
    #[wasm_bindgen(unchecked_return_type = "Prediction[]")]
    pub async fn classify(
        &self,
        #[wasm_bindgen(unchecked_param_type = "FileContents")] file: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<JsValue, JsValue> {
        let options: ClassifyOptions = from_js(&options)?;
        let bytes = Contents::new(&file)?.read().await.map_err(to_js)?;
        let predictions = self.inner.classify(&bytes).await.map_err(to_js)?;
        Ok(serde_wasm_bindgen::to_value(&options.limit(predictions))?)
    }

    /// Predicts the genres of a poster that is already decoded, as in `ImageData.data`: red, green, blue and alpha
    /// of each pixel, rows from the top. Returns the most probable first.
    #[wasm_bindgen(js_name = classifyPixels, unchecked_return_type = "Prediction[]")]
    pub async fn classify_pixels(
        &self,
        rgba: Uint8ClampedArray,
        width: u32,
        height: u32,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<JsValue, JsValue> {
        let options: ClassifyOptions = from_js(&options)?;
        let predictions = self.inner.classify_pixels(rgba.to_vec(), width, height).await;
        let predictions = options.limit(predictions.map_err(to_js)?);
        Ok(serde_wasm_bindgen::to_value(&predictions)?)
    }

    /// Predicts the genres of several posters in one batch. Returns one entry per file: its predictions, or the
    /// `Error` for which it cannot be decoded.
    #[wasm_bindgen(js_name = classifyAll, unchecked_return_type = "(Prediction[] | Error)[]")]
    pub async fn classify_all(
        &self,
        #[wasm_bindgen(unchecked_param_type = "FileContents[]")] files: Vec<JsValue>,
        #[wasm_bindgen(unchecked_optional_param_type = "ClassifyOptions")] options: JsValue,
    ) -> Result<Array, JsValue> {
        let options: ClassifyOptions = from_js(&options)?;
        let contents: Vec<Contents> = files.iter().map(Contents::new).collect::<Result<_, _>>()?;
        let mut readable = Vec::with_capacity(contents.len());
        let mut read = Vec::with_capacity(contents.len());
        for contents in contents {
            read.push(contents.read().await.map(|bytes| readable.push(bytes)));
        }
        let mut results = self.inner.classify_all(&readable).await.map_err(to_js)?.into_iter();
        let results = read.into_iter().map(|file| {
            match file.and_then(|()| results.next().unwrap_or_else(|| Ok(Vec::new()))) {
                Ok(predictions) => Ok(serde_wasm_bindgen::to_value(&options.limit(predictions))?),
                Err(error) => Ok(to_js(error)),
            }
        });
        results.collect()
    }

    /// Predicts the genres of a poster, with a heatmap for each of where in the poster the model sees it.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub async fn explain(
        &self,
        #[wasm_bindgen(unchecked_param_type = "FileContents")] file: JsValue,
    ) -> Result<JsValue, JsValue> {
        let bytes = Contents::new(&file)?.read().await.map_err(to_js)?;
        let explanation = self.inner.explain(&bytes).await.map_err(to_js)?;
        Ok(serde_wasm_bindgen::to_value(&JsExplanation::from(explanation))?)
    }

    /// Returns the model's input for an image file: red, green and blue of each pixel, rows from the top, at the
    /// manifest's input size.
    pub fn pixels(&self, bytes: Uint8Array) -> Result<Uint8Array, JsValue> {
        let pixels = self.inner.manifest().input.decode(&bytes.to_vec()).map_err(to_js)?;
        Ok(Uint8Array::from(pixels.rgb()))
    }

    /// Computes every metric of some predictions, beside those of the baselines on the same posters.
    #[wasm_bindgen(unchecked_return_type = "Evaluation")]
    pub fn evaluate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "LabelledPrediction[]")] predictions: JsValue,
    ) -> Result<JsValue, JsValue> {
        let predictions: Vec<LabelledPrediction> = serde_wasm_bindgen::from_value(predictions)
            .map_err(|error| type_error(&format!("the predictions: {error}")))?;
        let manifest = self.inner.manifest();
        let genres = manifest.genres.len();
        if predictions.iter().any(|p| p.probabilities.len() != genres || p.labels.len() != genres) {
            let message =
                format!("each prediction must have {genres} probabilities and {genres} labels");
            return Err(type_error(&message));
        }
        let (probabilities, labels): (Vec<_>, Vec<_>) =
            predictions.into_iter().map(|p| (p.probabilities, p.labels)).unzip();
        let decisions = manifest.decide(&probabilities);
        let predictions = LabelledPredictions {
            probabilities: &probabilities,
            decisions: &decisions,
            labels: &labels,
        };
        let result = EvaluationResult::from(Evaluation::new(manifest, predictions));
        Ok(serde_wasm_bindgen::to_value(&result)?)
    }
}

async fn load(options: LoadOptions, manifest: &str, weights: &[u8]) -> Result<Classifier, JsValue> {
    let device = options.device.unwrap_or(DEFAULT_DEVICE);
    let inner = match device {
        DeviceName::Cpu => load_on_cpu(manifest, weights).await,
        #[cfg(feature = "webgpu")]
        DeviceName::Webgpu => super::device::open_gpu().await.and_then(|gpu| {
            let files = BundleFiles::from_parts(manifest, weights.to_vec())?;
            let classifier = crate::Classifier::new(Bundle::load(&files, &gpu.device)?);
            classifier.with_largest_buffer(gpu.largest_buffer)
        }),
        #[cfg(not(feature = "webgpu"))]
        DeviceName::Webgpu => Err(super::device::not_built("WebGPU", "gpu")),
    };
    Ok(Classifier { inner: inner.map_err(to_js)?, device })
}

async fn load_on_cpu(manifest: &str, weights: &[u8]) -> crate::Result<crate::Classifier> {
    let manifest = Manifest::from_json(manifest)?;
    check_weights(&manifest.weights, weights).await?;
    crate::Classifier::on_cpu(manifest, weights)
}
