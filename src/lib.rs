//! Marquee tells a film's genres from its poster.
//!
//! This crate is everything that training and the browser share, and the browser's boundary:
//!
//! - [`preprocess`] turns the bytes of an image file into the network's input,
//! - [`architecture`] says what networks there are,
//! - [`cpu`] runs them on a CPU by itself, `model` (with the feature `burn`) on Burn's devices, to train them too,
//! - [`manifest`] is what is shipped with a network's weights, [`weights`] how those are kept,
//! - `bundle` (with the feature `burn`) reads and writes the two,
//! - [`classifier`] puts them together, from bytes to ranked genres,
//! - [`heatmap`] is where in a poster a genre was seen,
//! - `finetune` (with the feature `autodiff`) teaches a network with a few posters, `judgement` says what that gave,
//! - [`labels`] reads true genres, [`metrics`] compares answers with them, [`evaluation`] puts that beside guessing,
//! - `web` (wasm32 only) is the JavaScript boundary; it converts and delegates.
//!
//! Where bytes and numbers come from outside (files, manifests, JavaScript) nothing may index: a stranger's file must
//! not be able to end the program.
//!
//! Dependencies point one way: `web -> {classifier, evaluation} -> {cpu, bundle -> model} -> {architecture,
//! manifest, preprocess, weights}`.

pub mod architecture;
#[cfg(feature = "burn")]
#[deny(clippy::indexing_slicing)]
pub mod bundle;
#[deny(clippy::indexing_slicing)]
pub mod classifier;
#[cfg(feature = "burn")]
mod kernels;
pub mod contributions;
pub mod cpu;
pub mod error;
pub mod evaluation;
#[cfg(feature = "autodiff")]
pub mod fine_tune;
mod finite;
pub mod heatmap;
#[deny(clippy::indexing_slicing)]
pub mod labels;
#[deny(clippy::indexing_slicing)]
pub mod manifest;
pub mod metrics;
#[cfg(feature = "burn")]
pub mod model;
mod padding;
#[deny(clippy::indexing_slicing)]
pub mod preprocess;
#[cfg(target_arch = "wasm32")]
#[deny(clippy::indexing_slicing)]
pub mod web;
#[deny(clippy::indexing_slicing)]
pub mod weights;

pub use architecture::Architecture;
#[cfg(feature = "burn")]
pub use bundle::Bundle;
pub use classifier::{Classifier, Explanation, Prediction};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
#[cfg(feature = "autodiff")]
pub use fine_tune::{FineTuneOptions, FineTuner};
pub use labels::Labels;
pub use manifest::Manifest;
#[cfg(feature = "burn")]
pub use model::Model;
pub use preprocess::{Pixels, Preprocess};
#[cfg(feature = "burn")]
pub use weights::Precision;
