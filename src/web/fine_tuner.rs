//! `FineTuner`: trains a model further on a few posters.

mod types;

use std::cell::Cell;
use std::collections::BTreeMap;

use burn::tensor::Device;
use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::convert::{from_js, to_js, type_error};
use super::device::{DEFAULT_DEVICE, DeviceName};
use crate::bundle::{Bundle, BundleFiles};
use crate::error::Error;
use crate::fine_tune::{self, PartialLabels};
use crate::weights::Precision;
use types::{JsOptions, Progress};

/// Time between two progress events in milliseconds: short enough to look smooth, long enough to cost nothing.
const EVENT_INTERVAL: f64 = 100.0;

/// Trains a model further on a few posters.
#[wasm_bindgen]
pub struct FineTuner {
    inner: fine_tune::FineTuner,
    device: DeviceName,
    /// Steps between two progress events, adapted to [`EVENT_INTERVAL`].
    stride: Cell<usize>,
}

#[wasm_bindgen]
impl FineTuner {
    /// Starts from a bundle: the text of its `model.json` and the bytes of its weight file.
    pub async fn load(
        manifest: String,
        weights: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        load(options, || BundleFiles::from_parts(&manifest, weights.to_vec())).await
    }

    /// Starts from a bundle in one file, as returned by `export`.
    pub async fn open(
        file: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        load(options, || BundleFiles::from_single_file(&file.to_vec())).await
    }

    /// The model's genres, new ones last.
    #[wasm_bindgen(getter)]
    pub fn genres(&self) -> Vec<String> {
        self.inner.genres().map(str::to_owned).collect()
    }

    /// The device on which this fine-tuner runs.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceName")]
    pub fn device(&self) -> Result<JsValue, JsValue> {
        Ok(serde_wasm_bindgen::to_value(&self.device)?)
    }

    /// Renames a genre.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), JsValue> {
        self.inner.rename(from, to).map_err(to_js)
    }

    /// Adds posters to learn from; only before the first step. Returns one entry per poster: `undefined`, or the
    /// `Error` for which it cannot be decoded.
    #[wasm_bindgen(unchecked_return_type = "(Error | undefined)[]")]
    pub async fn add(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "LabelledPoster[]")] posters: Vec<JsValue>,
    ) -> Result<Array, JsValue> {
        let results = Array::new();
        for poster in posters {
            let field = |name: &str| js_sys::Reflect::get(&poster, &name.into());
            let bytes = field("bytes")?.dyn_into::<Uint8Array>();
            let bytes = bytes.map_err(|_| type_error("a poster's bytes must be a Uint8Array"))?;
            let labels: BTreeMap<String, bool> =
                serde_wasm_bindgen::from_value(field("labels")?)
                    .map_err(|error| type_error(&format!("a poster's labels: {error}")))?;
            match self.add_one(&bytes.to_vec(), &labels).await {
                Ok(()) => results.push(&JsValue::UNDEFINED),
                Err(error @ (Error::Compute { .. } | Error::NotTeachable { .. })) => {
                    return Err(to_js(error));
                }
                Err(error) => results.push(&to_js(error)),
            };
        }
        Ok(results)
    }

    /// Takes the remaining steps, and calls `onProgress` a few times a second. If `onProgress` returns `false`,
    /// training pauses, and another call continues it. Other tasks of the thread run in between.
    #[wasm_bindgen(unchecked_return_type = "FineTuneProgress")]
    pub async fn train(
        &mut self,
        #[wasm_bindgen(
            js_name = onProgress,
            unchecked_optional_param_type = "(progress: FineTuneProgress) => boolean | void"
        )]
        on_progress: Option<Function>,
    ) -> Result<JsValue, JsValue> {
        let steps = self.inner.options().steps;
        let (start, first_step) = (now(), self.inner.steps_taken());
        let mut progress = serde_wasm_bindgen::to_value(&Progress {
            step: first_step,
            steps,
            loss: f32::NAN,
            steps_per_second: 0.0,
            seconds_left: 0.0,
        })?;
        while self.inner.steps_taken() < steps {
            let loss = self.take_stride(steps).await?;
            let step = self.inner.steps_taken();
            let rate = (step - first_step) as f64 / ((now() - start) / 1000.0).max(1e-9);
            progress = serde_wasm_bindgen::to_value(&Progress {
                step,
                steps,
                loss,
                steps_per_second: rate,
                seconds_left: (steps - step) as f64 / rate,
            })?;
            if let Some(on_progress) = &on_progress {
                let answer = on_progress.call1(&JsValue::NULL, &progress)?;
                if answer.as_bool() == Some(false) {
                    break;
                }
            }
            yield_to_event_loop().await?;
        }
        Ok(progress)
    }

    /// Evaluates the model on held-out posters, beside the original model and the baseline. Returns `undefined` if
    /// no posters are held out; see `folds`.
    #[wasm_bindgen(unchecked_return_type = "FineTuneReport | undefined")]
    pub async fn evaluate(&self) -> Result<JsValue, JsValue> {
        let report = self.inner.evaluate().await.map_err(to_js)?;
        Ok(serde_wasm_bindgen::to_value(&report)?)
    }

    /// Returns the current model as the bytes of one file, for `Classifier.open` and for the trainer's `--bundle`.
    pub async fn export(&self) -> Result<Uint8Array, JsValue> {
        let files = self.inner.bundle().encode(Precision::Int8).await.map_err(to_js)?;
        let file = files.to_single_file().map_err(to_js)?;
        Ok(Uint8Array::from(file.as_slice()))
    }
}

impl FineTuner {
    async fn add_one(
        &mut self,
        bytes: &[u8],
        labels: &BTreeMap<String, bool>,
    ) -> crate::Result<()> {
        let genres: Vec<&str> = self.inner.genres().collect();
        if let Some(unknown) = labels.keys().find(|name| !genres.contains(&name.as_str())) {
            let reason = format!("it has no genre {unknown:?}; add it to newGenres");
            return Err(Error::NotTeachable { reason });
        }
        let labels: PartialLabels = genres.iter().map(|name| labels.get(*name).copied()).collect();
        let pixels = self.inner.input().decode(bytes)?;
        self.inner.add(&[(pixels, labels)]).await
    }

    /// Takes the steps until the next progress event, at most up to step `steps`. Returns their mean loss.
    async fn take_stride(&mut self, steps: usize) -> Result<f32, JsValue> {
        let stride = self.stride.get().min(steps - self.inner.steps_taken());
        let start = now();
        let loss = self.inner.step(stride).await.map_err(to_js)?;
        let elapsed = (now() - start).max(0.01);
        // At most double the stride: the first steps are slower than the later ones.
        let fitting = (stride as f64 * EVENT_INTERVAL / elapsed) as usize;
        self.stride.set(fitting.clamp(1, 2 * stride));
        Ok(loss)
    }
}

async fn load(
    options: JsValue,
    files: impl FnOnce() -> crate::Result<BundleFiles>,
) -> Result<FineTuner, JsValue> {
    let options: JsOptions = from_js(options)?;
    let name = options.device.unwrap_or(DEFAULT_DEVICE);
    let device = open_device(name).await.map_err(to_js)?;
    let bundle = files().and_then(|files| Bundle::load(&files, &device)).map_err(to_js)?;
    let inner = fine_tune::FineTuner::new(bundle, &options.new_genres, options.fine_tune_options());
    Ok(FineTuner { inner: inner.map_err(to_js)?, device: name, stride: Cell::new(1) })
}

async fn open_device(name: DeviceName) -> crate::Result<Device> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Cpu => Ok(Device::flex()),
        #[cfg(not(feature = "flex"))]
        DeviceName::Cpu => Err(super::device::not_built("CPU", "teach")),
        #[cfg(feature = "webgpu")]
        DeviceName::Webgpu => super::open_webgpu().await,
        #[cfg(not(feature = "webgpu"))]
        DeviceName::Webgpu => Err(super::device::not_built("WebGPU", "gpu")),
    }
}

fn now() -> f64 {
    js_sys::Date::now()
}

/// Lets the thread handle its messages and timers.
async fn yield_to_event_loop() -> Result<(), JsValue> {
    let set_timeout: Function =
        js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into())?.dyn_into()?;
    let timeout = Promise::new(&mut |resolve, _| {
        let _ = set_timeout.call1(&JsValue::NULL, &resolve);
    });
    JsFuture::from(timeout).await.map(drop)
}
