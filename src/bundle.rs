//! The bundle: the files that the trainer writes and the browser loads.
//!
//! | file | contents |
//! |---|---|
//! | `model.json` | the [`Manifest`]: everything about the model except for its weights |
//! | `model-<hash>.safetensors` | the weights; see [`crate::weights`] |
//!
//! The weight file is named by its hash. Renaming the new manifest over the old one is then the single moment at
//! which a folder changes from the old bundle to the new one, and a web cache never pairs the manifest of one with
//! the weights of another.
//!
//! A bundle may also be one file, with the manifest in the header of the weights. [`BundleFiles`] reads and writes
//! both kinds, without Burn; `Bundle` has the weights in a Burn model.

mod files;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
mod manifest;
mod number;
mod weight_file;
#[cfg(feature = "burn")]
mod with_model;

pub use files::BundleFiles;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::write_atomically;
pub use manifest::{
    FORMAT_VERSION, Genre, GenreQuality, MANIFEST_FILE, Manifest, Metric, Training,
};
pub use weight_file::WeightFile;
#[cfg(feature = "burn")]
pub use with_model::Bundle;
