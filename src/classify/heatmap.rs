//! Where in a poster a genre was seen.
//!
//! The head of an EfficientNet-Lite is linear over the mean of the last feature map, so what each place of the
//! map adds to a genre's log-odds is exact and not an estimate: the genre's weights times the features there
//! (Zhou et al. 2016, "Learning Deep Features for Discriminative Localization"). A map's sum and the genre's
//! bias are the log-odds of the genre's probability.

use serde::Serialize;

use crate::padding;

/// Each genre's map over one poster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heatmaps {
    /// Of the places, from left to right.
    pub x: Places,
    /// Of the places, from top to bottom.
    pub y: Places,
    /// The genres' maps, in the manifest's order.
    pub genres: Vec<Heatmap>,
}

/// Places along one side of the poster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Places {
    /// How many.
    pub count: usize,
    /// The first one's middle, as a share of the side: 0 is its beginning, 1 its end.
    pub first: f64,
    /// From one middle to the next, as a share of the side.
    pub step: f64,
}

/// What speaks for a genre, and what against it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heatmap {
    /// The genre's name.
    pub genre: String,
    /// What the genre has without looking at the poster, in log-odds.
    pub bias: f32,
    /// What each place adds to the log-odds, rows from the top: `y.count * x.count` values.
    pub values: Vec<f32>,
}

/// Where a convolution looks that is padded as TensorFlow's "SAME".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    /// Pixels along the side.
    size: usize,
    /// Middle of the first output, in pixels of the input.
    first: f64,
    /// Pixels of the input from one output to the next.
    step: f64,
}

impl Sight {
    /// Of the picture itself: `size` pixels.
    pub(crate) fn of(size: usize) -> Self {
        Self { size, first: 0.5, step: 1.0 }
    }

    /// Behind a convolution. "SAME" pads less in front than behind where it cannot pad evenly, so that for an
    /// even size the first output looks at a place half a stride further in.
    pub(crate) fn behind(self, kernel: usize, stride: usize) -> Self {
        let before = padding::before(self.size, kernel, stride);
        let middle = (kernel - 1) as f64 / 2.0 - before as f64;
        let size = self.size.div_ceil(stride);
        Self { size, first: self.first + middle * self.step, step: self.step * stride as f64 }
    }

    /// As shares of a side of `pixels`.
    pub(crate) fn places(self, pixels: usize) -> Places {
        let pixels = pixels as f64;
        Places { count: self.size, first: self.first / pixels, step: self.step / pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_in_the_middle_of_its_stride_keeps_the_middle() {
        // Three pixels, kernel 3, stride 1: each output looks at its own pixel.
        let places = Sight::of(3).behind(3, 1).places(3);
        assert_eq!(places, Places { count: 3, first: 0.5 / 3.0, step: 1.0 / 3.0 });
    }

    #[test]
    fn an_even_size_is_padded_behind() {
        // Four pixels, kernel 3, stride 2: outputs look at pixels 0..=2 and 2..=4, their middles are 1 and 3.
        let places = Sight::of(4).behind(3, 2).places(4);
        assert_eq!(places, Places { count: 2, first: 1.5 / 4.0, step: 2.0 / 4.0 });
    }

    #[test]
    fn an_odd_size_is_padded_on_both_sides() {
        // Five pixels: windows begin at pixels -1, 1 and 3.
        let places = Sight::of(5).behind(3, 2).places(5);
        assert_eq!(places, Places { count: 3, first: 0.5 / 5.0, step: 2.0 / 5.0 });
    }
}
