//! Where in a poster the model saw a genre.
//!
//! The head of an EfficientNet-Lite is linear over the mean of the last feature map. Each place of that map
//! therefore makes an exact contribution to a genre's log-odds: the genre's weights times the features there, over
//! the number of places (Zhou et al. 2016, "Learning Deep Features for Discriminative Localization"). The sum of a
//! genre's map and its bias is the log-odds of its probability.

use serde::Serialize;

use crate::architecture::GridAxis;

/// The heatmaps of all genres over one poster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heatmaps {
    /// Columns of the maps, from left to right.
    pub x: GridAxis,
    /// Rows of the maps, from top to bottom.
    pub y: GridAxis,
    /// One map per genre, in the manifest's order.
    pub genres: Vec<Heatmap>,
}

/// The evidence for and against one genre, place by place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heatmap {
    /// The genre's name.
    pub genre: String,
    /// The genre's log-odds without any evidence from the poster.
    pub bias: f32,
    /// What each place adds to the log-odds, `[y.count, x.count]` in row-major order.
    pub values: Vec<f32>,
}
