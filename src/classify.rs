//! From the bytes of an image file to ranked genres, and to heatmaps of where the model saw them.

mod classifier;
mod heatmap;
mod prediction;

pub use classifier::Classifier;
pub use heatmap::{Explanation, Heatmap, Heatmaps};
pub use prediction::Prediction;
