//! Labelled posters: downloading, reading, splitting, augmenting and batching them.

pub(crate) mod additional;
pub(crate) mod augment;
pub(crate) mod dataset;
pub(crate) mod feature_maps;
pub(crate) mod fetch;
pub(crate) mod image_files;
pub(crate) mod loader;
pub(crate) mod near_duplicates;
pub(crate) mod pixel_store;
pub(crate) mod poster_ids;
pub(crate) mod posters;
pub(crate) mod soft_labels;
pub(crate) mod split;
pub(crate) mod unpack;
