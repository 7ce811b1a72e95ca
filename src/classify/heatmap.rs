//! Where in a poster the model saw a genre.
//!
//! The head of an EfficientNet-Lite is linear over the mean of the last feature map. Each place of that map
//! therefore makes an exact contribution to a genre's log-odds: the genre's weights times the features there, over
//! the number of places (Zhou et al. 2016, "Learning Deep Features for Discriminative Localization"). The sum of a
//! genre's map and its bias is the log-odds of its probability.

use serde::Serialize;

use super::Prediction;
use crate::architecture::GridAxis;
use crate::bundle::Genre;
use crate::contributions::Contributions;
use crate::metrics::sigmoid;

/// A poster's genres, and where in it the model saw them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// All genres, the most probable first.
    pub predictions: Vec<Prediction>,
    /// The evidence for and against each genre.
    pub heatmaps: Heatmaps,
}

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

impl Heatmaps {
    /// Returns the rows and columns of each map.
    pub fn shape(&self) -> [usize; 2] {
        [self.y.count, self.x.count]
    }

    /// Turns contributions to logits into one heatmap per genre. Logits are divided by `temperature`.
    pub(super) fn new(
        genres: &[Genre],
        contributions: Contributions,
        temperature: f32,
        [x, y]: [GridAxis; 2],
    ) -> Self {
        let Contributions { mut maps, mut bias } = contributions;
        maps.iter_mut().chain(&mut bias).for_each(|logit| *logit /= temperature);
        let maps = maps.chunks(x.count * y.count).zip(bias);
        let heatmaps = genres.iter().zip(maps).map(|(genre, (values, bias))| Heatmap {
            genre: genre.name.clone(),
            bias,
            values: values.to_vec(),
        });
        Self { genres: heatmaps.collect(), x, y }
    }
}

impl Heatmap {
    /// Returns the genre's probability, the sigmoid of the map's sum and the bias.
    pub(super) fn probability(&self) -> f32 {
        sigmoid(self.bias + self.values.iter().sum::<f32>())
    }
}
