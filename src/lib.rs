//! Marquee tells a film's genres from its poster.
//!
//! This crate is everything that training and the browser share, and the browser's boundary:
//!
//! - [`preprocess`] turns the bytes of an image file into the network's input,
//! - [`model`] holds the networks,
//! - [`bundle`] reads and writes the format that is shipped: a manifest and its weights,
//! - [`weights`] turns a network's weights into bytes and back,
//! - [`classifier`] puts the three together: a bundle on a device, from bytes to ranked genres,
//! - [`heatmap`] is where in a poster a genre was seen,
//! - `finetune` (with the feature `autodiff`) teaches a network with a few posters, `judgement` says what that gave,
//! - [`labels`] reads true genres, [`metrics`] compares answers with them, [`evaluation`] puts that beside guessing,
//! - `web` (wasm32 only) is the JavaScript boundary; it converts and delegates.
//!
//! Dependencies point one way: `web -> {classifier, evaluation} -> {bundle, heatmap, preprocess, model} -> burn`.

pub mod bundle;
pub mod classifier;
mod conv;
pub mod error;
pub mod evaluation;
#[cfg(feature = "autodiff")]
pub mod finetune;
pub mod heatmap;
#[cfg(feature = "autodiff")]
pub mod judgement;
pub mod labels;
pub mod metrics;
pub mod model;
pub mod preprocess;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod weights;

pub use bundle::{Bundle, Manifest};
pub use classifier::{Classifier, Explanation, Prediction};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
#[cfg(feature = "autodiff")]
pub use finetune::{FineTuneConfig, FineTuner};
pub use labels::Labels;
pub use model::{Model, ModelConfig};
pub use preprocess::{Pixels, Preprocess};
pub use weights::Precision;
