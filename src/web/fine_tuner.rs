//! Teaching, from JavaScript.

use std::cell::Cell;
use std::collections::BTreeMap;

use burn::tensor::Device;
use js_sys::{Array, Function, Promise, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{DEFAULT_DEVICE, DeviceName, from_js, to_js};
use crate::bundle::Bundle;
use crate::error::{Error, Result as Outcome};
use crate::fine_tune::{self, Depth, FineTuneOptions, PartialLabels};
use crate::weights::Precision;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface FineTuneOptions {
    /** Defaults to "webgpu" in a package that has it, otherwise to "cpu". */
    device?: DeviceName;
    /** Names of genres that the network does not know yet. */
    newGenres?: string[];
    /** What learns: the linear head (the default), or the last stage of the network with it. */
    depth?: "head" | "last-stage";
    /** Steps of the optimiser. */
    steps?: number;
    /** Posters at a step. */
    batchSize?: number;
    /** Of these, how many the last stage takes at once, as memory allows; gradients are added up. */
    microBatchSize?: number;
    /** Of Adam, for the head; the last stage has a tenth of it. */
    learningRate?: number;
    /** How strongly what the network knows is held: 0 lets it go. */
    pull?: number;
    /** How strongly the weights of a new genre are held near 0. */
    decay?: number;
    /** 0..1, how far a genre's rarer labels count more. */
    balance?: number;
    /** Looks at each poster, 1..6: as it is, mirrored, then crops. */
    views?: number;
    /** Parts of a cross-validation; below 2 nothing is kept aside and nothing is judged. */
    folds?: number;
    /** The same seed, posters and device give the same network. */
    seed?: number;
}

/** A poster to learn from. Genres that are not named are not learnt from it. */
export interface TaughtPoster {
    /** An image file: JPEG, PNG, WebP or GIF. */
    bytes: Uint8Array;
    labels: Record<string, boolean>;
}

export interface FineTuneProgress {
    /** Steps taken so far, and steps in all. */
    step: number;
    steps: number;
    /** Mean cross-entropy of the steps since the last event. */
    loss: number;
    stepsPerSecond: number;
    secondsLeft: number;
}

/** A figure before and after, beside guessing; before is absent where the network could not tell. */
export interface Compared {
    before?: number | null;
    after: number;
    guessing: number;
}

/** What posters that were kept aside say. */
export interface Judgement {
    posters: number;
    crossEntropy: Compared;
    averagePrecision: Compared;
    genres: {
        genre: string;
        positives: number;
        negatives: number;
        averagePrecision: Compared;
        /** Whether there are enough posters to tell better from worse. */
        enough: boolean;
    }[];
}
"#;

/// Time between two events, in milliseconds: often enough to be smooth, seldom enough to cost nothing.
const PAUSE: f64 = 100.0;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Options {
    device: Option<DeviceName>,
    new_genres: Vec<String>,
    depth: Option<Depth>,
    steps: Option<usize>,
    batch_size: Option<usize>,
    micro_batch_size: Option<usize>,
    learning_rate: Option<f64>,
    pull: Option<f64>,
    decay: Option<f64>,
    balance: Option<f64>,
    views: Option<usize>,
    folds: Option<usize>,
    seed: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    step: usize,
    steps: usize,
    loss: f32,
    steps_per_second: f64,
    seconds_left: f64,
}

/// Teaches a network with a few posters.
#[wasm_bindgen]
pub struct FineTuner {
    inner: fine_tune::FineTuner,
    device: DeviceName,
    /// Steps at a time: as many as fit between two events.
    stride: Cell<usize>,
}

#[wasm_bindgen]
impl FineTuner {
    /// Begins with a bundle: the text of its `model.json` and the bytes of its weights.
    pub async fn load(
        manifest: String,
        weights: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        let weights = weights.to_vec();
        begin(options, |device| Bundle::from_parts(&manifest, &weights, device)).await
    }

    /// Begins with a bundle in one file, as `export` gives it.
    pub async fn open(
        file: Uint8Array,
        #[wasm_bindgen(unchecked_optional_param_type = "FineTuneOptions")] options: JsValue,
    ) -> Result<FineTuner, JsValue> {
        let file = file.to_vec();
        begin(options, |device| Bundle::from_file(&file, device)).await
    }

    /// The genres that are told, new ones last.
    #[wasm_bindgen(getter)]
    pub fn genres(&self) -> Vec<String> {
        self.inner.genres().map(str::to_owned).collect()
    }

    /// Where it computes.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceName")]
    pub fn device(&self) -> Result<JsValue, JsValue> {
        Ok(serde_wasm_bindgen::to_value(&self.device)?)
    }

    /// Calls a genre by another name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), JsValue> {
        self.inner.rename(from, to).map_err(to_js)
    }

    /// Takes posters to learn from, before the first step: for each `undefined`, or the `Error` for which it
    /// cannot be read.
    #[wasm_bindgen(unchecked_return_type = "(Error | undefined)[]")]
    pub async fn add(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "TaughtPoster[]")] posters: Vec<JsValue>,
    ) -> Result<Array, JsValue> {
        let outcomes = Array::new();
        for poster in posters {
            let field = |name: &str| js_sys::Reflect::get(&poster, &name.into());
            let bytes = field("bytes")?.dyn_into::<Uint8Array>();
            let bytes = bytes.map_err(|_| type_error("a poster's bytes are no Uint8Array"))?;
            let labels: BTreeMap<String, bool> =
                serde_wasm_bindgen::from_value(field("labels")?)
                    .map_err(|error| type_error(&format!("a poster's labels: {error}")))?;
            match self.add_one(&bytes.to_vec(), &labels).await {
                Ok(()) => outcomes.push(&JsValue::UNDEFINED),
                Err(error @ (Error::Compute { .. } | Error::NotTeachable { .. })) => {
                    return Err(to_js(error));
                }
                Err(error) => outcomes.push(&to_js(error)),
            };
        }
        Ok(outcomes)
    }

    /// Takes the steps that are left. `onProgress` is called a few times a second; where it gives `false`, it
    /// ends there, and another call goes on. In between, the thread's other work has its turn.
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
        let (began, first) = (now(), self.inner.steps_taken());
        let mut last = serde_wasm_bindgen::to_value(&Progress {
            step: first,
            steps,
            loss: f32::NAN,
            steps_per_second: 0.0,
            seconds_left: 0.0,
        })?;
        while self.inner.steps_taken() < steps {
            let stride = self.stride.get().min(steps - self.inner.steps_taken());
            let before = now();
            let loss = self.inner.step(stride).await.map_err(to_js)?;
            let took = (now() - before).max(0.01);
            // Twice as many at most: the first ones are slow.
            let fitting = (stride as f64 * PAUSE / took) as usize;
            self.stride.set(fitting.clamp(1, 2 * stride));

            let step = self.inner.steps_taken();
            let rate = (step - first) as f64 / ((now() - began) / 1000.0).max(1e-9);
            last = serde_wasm_bindgen::to_value(&Progress {
                step,
                steps,
                loss,
                steps_per_second: rate,
                seconds_left: (steps - step) as f64 / rate,
            })?;
            if let Some(on_progress) = &on_progress {
                let wanted = on_progress.call1(&JsValue::NULL, &last)?;
                if wanted.as_bool() == Some(false) {
                    break;
                }
            }
            breathe().await?;
        }
        Ok(last)
    }

    /// What posters that were kept aside say; `undefined` where there are none.
    #[wasm_bindgen(unchecked_return_type = "Judgement | undefined")]
    pub async fn judge(&self) -> Result<JsValue, JsValue> {
        let judgement = self.inner.evaluate().await.map_err(to_js)?;
        Ok(serde_wasm_bindgen::to_value(&judgement)?)
    }

    /// The network as it is now, as one file: for `Classifier.open`, and for the trainer's `--bundle`.
    pub async fn export(&self) -> Result<Uint8Array, JsValue> {
        let file = self.inner.bundle().to_file(Precision::Int8).await.map_err(to_js)?;
        Ok(Uint8Array::from(file.as_slice()))
    }
}

impl FineTuner {
    async fn add_one(&mut self, bytes: &[u8], labels: &BTreeMap<String, bool>) -> Outcome<()> {
        let genres: Vec<&str> = self.inner.genres().collect();
        if let Some(unknown) = labels.keys().find(|name| !genres.contains(&name.as_str())) {
            let reason = format!("it does not know the genre {unknown:?}; name it in newGenres");
            return Err(Error::NotTeachable { reason });
        }
        let labels: PartialLabels = genres.iter().map(|name| labels.get(*name).copied()).collect();
        let pixels = self.inner.input().decode(bytes)?;
        self.inner.add(&[(pixels, labels)]).await
    }
}

async fn open(name: DeviceName) -> Outcome<Device> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Cpu => Ok(Device::flex()),
        #[cfg(not(feature = "flex"))]
        DeviceName::Cpu => Err(super::not_built("CPU", "teach")),
        #[cfg(feature = "webgpu")]
        DeviceName::Webgpu => super::open_webgpu().await,
        #[cfg(not(feature = "webgpu"))]
        DeviceName::Webgpu => Err(super::not_built("WebGPU", "gpu")),
    }
}

async fn begin(
    options: JsValue,
    load: impl FnOnce(&burn::tensor::Device) -> Outcome<Bundle>,
) -> Result<FineTuner, JsValue> {
    let options: Options = from_js(options)?;
    let name = options.device.unwrap_or(DEFAULT_DEVICE);
    let device = open(name).await.map_err(to_js)?;
    let bundle = load(&device).map_err(to_js)?;
    let default = FineTuneOptions::default();
    let config = FineTuneOptions {
        depth: options.depth.unwrap_or(default.depth),
        steps: options.steps.unwrap_or(default.steps),
        batch_size: options.batch_size.unwrap_or(default.batch_size),
        micro_batch_size: options.micro_batch_size.unwrap_or(default.micro_batch_size),
        learning_rate: options.learning_rate.unwrap_or(default.learning_rate),
        pull: options.pull.unwrap_or(default.pull),
        decay: options.decay.unwrap_or(default.decay),
        balance: options.balance.unwrap_or(default.balance),
        views: options.views.unwrap_or(default.views),
        folds: options.folds.unwrap_or(default.folds),
        seed: options.seed.unwrap_or(default.seed),
    };
    let inner = fine_tune::FineTuner::new(bundle, &options.new_genres, config, &device);
    Ok(FineTuner { inner: inner.map_err(to_js)?, device: name, stride: Cell::new(1) })
}

fn now() -> f64 {
    js_sys::Date::now()
}

/// Lets the thread's messages and timers have their turn.
async fn breathe() -> Result<(), JsValue> {
    let timer: Function =
        js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into())?.dyn_into()?;
    let pause = Promise::new(&mut |resolve, _| {
        let _ = timer.call1(&JsValue::NULL, &resolve);
    });
    JsFuture::from(pause).await.map(drop)
}

fn type_error(message: &str) -> JsValue {
    js_sys::TypeError::new(message).into()
}
