//! Marquee classifies a film's genres from its poster, natively and in the browser.
//!
//! # Example
//!
//! Open a bundle (a manifest and its weights) and classify an image file on the CPU:
//!
//! ```ignore-wasm32
//! use marquee::Classifier;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let classifier = Classifier::open("www/model")?; // or a bundle in one file
//!
//! let poster = std::fs::read("www/samples/lighthouse.jpg")?;
//! let predictions = pollster::block_on(classifier.classify(&poster))?;
//! for prediction in predictions.iter().take(3) {
//!     println!("{}: {:.0} %", prediction.genre, prediction.probability * 100.0);
//! }
//! # assert_eq!(predictions.len(), classifier.manifest().genres.len());
//! # assert!(predictions.is_sorted_by(|a, b| a.probability >= b.probability));
//! # Ok(())
//! # }
//! ```
//!
//! Methods are `async` because a browser's GPU must be awaited; `pollster::block_on` is enough natively.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | (none) | [`cpu`]: classifying on one CPU core, without Burn |
//! | `burn` | `model`: the architectures as Burn modules, and `Bundle`, on any Burn device |
//! | `flex` | Burn's CPU backend with SIMD, and fast convolutions for it; implies `burn` |
//! | `rayon` | these convolutions on all cores; not for wasm |
//! | `webgpu` | Burn's WebGPU backend, and fast convolutions for it; implies `burn` |
//! | `autodiff` | `fine_tune`, and gradients of the convolutions; implies `burn` |
//!
//! # Modules
//!
//! | module | purpose |
//! |---|---|
//! | [`image`] | decode and resize an image file to a model's input |
//! | [`architecture`] | the architectures, their sizes and tensors, as plain data |
//! | [`bundle`] | read and write `model.json` and the weight file |
//! | [`weights`] | weights as safetensors bytes |
//! | [`cpu`] | run a model on the CPU without Burn |
//! | `model` | run and train a model with Burn |
//! | [`contributions`] | what each place of a poster adds to a model's logits |
//! | [`classify`] | predictions and heatmaps: [`Classifier`] |
//! | [`metrics`] | labels, metrics and baselines: [`Evaluation`] |
//! | `fine_tune` | train a shipped model further on a few posters: `FineTuner` |
//! | `web` | the JavaScript API (wasm32 only); it converts types and delegates |
//! | [`error`] | the one error type, [`Error`] |
//!
//! Dependencies point one way: `web -> {classify, fine_tune, metrics} -> {cpu, model} -> {bundle, weights} ->
//! {architecture, image}`. The exception is `bundle::Bundle`, which holds a `model`.
//!
//! Modules that parse untrusted input (image files, manifests, weights, CSVs, JavaScript values) must not index or
//! slice, because a panic would end the page's worker. They deny `clippy::indexing_slicing`.

pub mod architecture;
#[deny(clippy::indexing_slicing)]
pub mod bundle;
#[deny(clippy::indexing_slicing)]
pub mod classify;
pub mod contributions;
pub mod cpu;
pub mod error;
#[cfg(feature = "autodiff")]
pub mod fine_tune;
mod finite;
#[deny(clippy::indexing_slicing)]
pub mod image;
#[cfg(feature = "burn")]
mod kernels;
pub mod metrics;
#[cfg(feature = "burn")]
pub mod model;
mod padding;
#[cfg(target_arch = "wasm32")]
#[deny(clippy::indexing_slicing)]
pub mod web;
#[deny(clippy::indexing_slicing)]
pub mod weights;

pub use architecture::Architecture;
#[cfg(feature = "burn")]
pub use bundle::Bundle;
pub use bundle::{BundleFiles, Manifest};
pub use classify::{Classifier, Explanation, Prediction};
pub use error::{Error, Result};
#[cfg(feature = "autodiff")]
pub use fine_tune::{FineTuneOptions, FineTuner};
pub use image::{Pixels, Preprocess};
pub use metrics::{Evaluation, Labels};
#[cfg(feature = "burn")]
pub use model::Model;
#[cfg(feature = "burn")]
pub use weights::Precision;
