//! `FineTuner`: trains a model further on a few posters.
//!
//! JavaScript may call any method at any time, also while another one runs. A call that needs the model waits until
//! the step that is being taken is done; one that cannot be honoured is rejected with a `Busy` error.

mod posters;
mod training;
mod types;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_lock::Mutex;
use burn::tensor::Device;
use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::contents::Contents;
use super::convert::{named_error, to_js};
use super::device::{DEFAULT_DEVICE, DeviceName};
use super::options::{Options, from_js};
use crate::bundle::{Bundle, BundleFiles};
use crate::fine_tune::{self, FineTuneOptions};
use crate::weights::Precision;
use types::{LoadOptions, TrainOptions};

/// Trains a model further on a few posters.
#[wasm_bindgen]
pub struct FineTuner {
    shared: Rc<Shared>,
}

/// What calls that run at the same time share. wasm-bindgen lends an object to one call that changes it or to several
/// that do not, and throws otherwise; so every call has a share of its own, and changes are made inside.
struct Shared {
    /// Locked while it computes.
    inner: Mutex<fine_tune::FineTuner>,
    device: DeviceName,
    /// The genres, which can be read while `inner` is locked.
    genres: RefCell<Vec<String>>,
    /// Whether `train` runs.
    training: Cell<bool>,
    /// Steps between two progress events.
    stride: Cell<usize>,
}

#[wasm_bindgen]
impl FineTuner {
    /// Starts from a bundle: the text of its `model.json` and the contents of its weight file.
    pub async fn load(
        manifest: String,
        #[wasm_bindgen(unchecked_param_type = "FileContents")] weights: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        let options = read_options(&options)?;
        let weights = Contents::new(&weights)?.read().await.map_err(to_js)?;
        load(options, BundleFiles::from_parts(&manifest, weights)).await
    }

    /// Starts from a bundle in one file, as returned by `export`.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "FileContents")] file: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        let options = read_options(&options)?;
        let file = Contents::new(&file)?.read().await.map_err(to_js)?;
        load(options, BundleFiles::from_single_file(&file)).await
    }

    /// The model's genres, new ones last.
    #[wasm_bindgen(getter)]
    pub fn genres(&self) -> Vec<String> {
        self.shared.genres.borrow().clone()
    }

    /// The device on which this fine-tuner runs.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceName")]
    pub fn device(&self) -> Result<JsValue, JsValue> {
        Ok(serde_wasm_bindgen::to_value(&self.shared.device)?)
    }

    /// Renames a genre. Throws a `Busy` error while `add` or `train` runs.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), JsValue> {
        let Shared { inner, genres, training, .. } = &*self.shared;
        let mut inner = inner
            .try_lock()
            .filter(|_| !training.get())
            .ok_or_else(|| busy("rename must wait until add and train have ended"))?;
        inner.rename(from, to).map_err(to_js)?;
        genres.replace(names(&inner));
        Ok(())
    }

    /// Adds posters to learn from; only before the first step. Returns one entry per poster: `undefined`, or the
    /// `Error` for which it cannot be decoded.
    #[wasm_bindgen(unchecked_return_type = "Promise<(Error | undefined)[]>")]
    pub fn add(
        &self,
        #[wasm_bindgen(unchecked_param_type = "LabelledPoster[]")] posters: Vec<JsValue>,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let results = Array::new();
            let mut inner = shared.inner.lock().await;
            for poster in &posters {
                results.push(&posters::add(&mut inner, poster).await?);
            }
            Ok(results.into())
        })
    }

    /// Takes the remaining steps, and calls `onProgress` a few times a second. Other tasks of the thread run in
    /// between, such as `evaluate` and `export` of the model so far.
    ///
    /// If `onProgress` returns `false`, training pauses; if the option `signal` is aborted, it rejects with the
    /// signal's reason, an `AbortError` by default. Another call continues in both cases. Rejects with a `Busy` error
    /// while another `train` runs.
    #[wasm_bindgen(unchecked_return_type = "Promise<FineTuneProgress>")]
    pub fn train(
        &self,
        #[wasm_bindgen(
            js_name = onProgress,
            unchecked_optional_param_type = "((progress: FineTuneProgress) => boolean | void) | null"
        )]
        on_progress: Option<Function>,
        #[wasm_bindgen(unchecked_optional_param_type = "TrainOptions")] options: JsValue,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let TrainOptions { signal } = from_js(&options)?;
            if shared.training.replace(true) {
                return Err(busy("train runs already; await it, or abort its signal"));
            }
            let result = training::run(&shared, on_progress.as_ref(), signal.as_ref()).await;
            shared.training.set(false);
            result
        })
    }

    /// Evaluates the model on held-out posters, beside the original model and the baseline. Returns `undefined` if
    /// no posters are held out; see `folds`.
    #[wasm_bindgen(unchecked_return_type = "Promise<FineTuneReport | undefined>")]
    pub fn evaluate(&self) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let report = shared.inner.lock().await.evaluate().await.map_err(to_js)?;
            Ok(serde_wasm_bindgen::to_value(&report)?)
        })
    }

    /// Returns the current model as the bytes of one file, for `Classifier.open` and for the trainer's `--bundle`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array>")]
    pub fn export(&self) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let bundle = shared.inner.lock().await.bundle();
            let files = bundle.encode(Precision::Int8).await.map_err(to_js)?;
            let file = files.to_single_file().map_err(to_js)?;
            Ok(Uint8Array::from(file.as_slice()).into())
        })
    }
}

fn read_options(options: &JsValue) -> Result<(LoadOptions, FineTuneOptions), JsValue> {
    let mut options = Options::new(options)?;
    let read = (options.take()?, options.take()?);
    options.finish()?;
    Ok(read)
}

async fn load(
    (LoadOptions { device, new_genres }, options): (LoadOptions, FineTuneOptions),
    files: crate::Result<BundleFiles>,
) -> Result<FineTuner, JsValue> {
    let name = device.unwrap_or(DEFAULT_DEVICE);
    let device = open_device(name).await.map_err(to_js)?;
    let bundle = files.and_then(|files| Bundle::load(&files, &device)).map_err(to_js)?;
    let inner = fine_tune::FineTuner::new(bundle, &new_genres, options).map_err(to_js)?;
    let shared = Shared {
        genres: RefCell::new(names(&inner)),
        inner: Mutex::new(inner),
        device: name,
        training: Cell::new(false),
        stride: Cell::new(1),
    };
    Ok(FineTuner { shared: Rc::new(shared) })
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

fn names(inner: &fine_tune::FineTuner) -> Vec<String> {
    inner.genres().map(str::to_owned).collect()
}

/// Returns the error of a call that another one keeps from running.
fn busy(message: &str) -> JsValue {
    named_error("Busy", message)
}
