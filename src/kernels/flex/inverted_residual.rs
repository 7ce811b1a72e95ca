//! An inverted residual block as one kernel, with the channels last: 1x1 convolution, depthwise convolution and 1x1
//! convolution, with their biases, activations and the residual sum.
//!
//! The hidden maps are six times as large as the block's input and output. Written to memory, they would take most of
//! a training step. Here a thread computes them for a *tile* of posters and a group of channels at a time, so that they
//! stay in its cache, and the gradients compute them again.

#[cfg(feature = "autodiff")]
mod gradient;

use pulp::Arch;

use super::depthwise::{Convolution, LANES, TapValues, run};
use super::product::{Accumulate, MatrixMut, MatrixView, multiply};
use super::rows::{RELU6, activate, finish, transposed};
use crate::padding::SameConv;

#[cfg(feature = "autodiff")]
pub(super) use gradient::{GradientMaps, Tile};

/// A convolution's weight and bias, as the model stores them.
#[derive(Clone, Copy)]
pub(super) struct Conv<'a> {
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// Channels of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) outputs: usize,
}

/// A block's sizes and weights, the latter laid out for the kernels. `hidden` is padded with zeros to a multiple of
/// [`LANES`], written `padded`.
pub(super) struct Block<'a> {
    arch: Arch,
    pub(super) conv: SameConv,
    pub(super) channels: Channels,
    /// Whether the block adds its input to its output.
    residual: bool,
    padded: usize,
    /// The first convolution; `None` if the block has none.
    expand: Option<Expand<'a>>,
    /// `[kernel * kernel, padded]`.
    taps: Vec<f32>,
    /// `[padded]`.
    depthwise_bias: Vec<f32>,
    project: Conv<'a>,
    /// `[hidden, outputs]`.
    project_transposed: Vec<f32>,
}

struct Expand<'a> {
    /// `[hidden, inputs]`.
    #[cfg_attr(not(feature = "autodiff"), allow(dead_code))] // only gradients need it
    weight: &'a [f32],
    /// `[inputs, hidden]`.
    transposed: Vec<f32>,
    /// `[padded]`.
    bias: Vec<f32>,
}

/// Bytes of a hidden map of one tile and group. Forward needs two of them, backward four.
const MAP_BYTES: usize = 512 * 1024;

/// Most input pixels of a tile; a poster with more is a tile of its own.
const TILE_PIXELS: usize = 512;

impl<'a> Block<'a> {
    /// Lays out the weights: `[hidden, inputs]`, `[hidden, kernel, kernel]` and `[outputs, hidden]`.
    pub(super) fn new(
        conv: SameConv,
        channels: Channels,
        residual: bool,
        expand: Option<Conv<'a>>,
        depthwise: Conv<'a>,
        project: Conv<'a>,
    ) -> Self {
        let Channels { inputs, hidden, outputs } = channels;
        let padded = hidden.next_multiple_of(LANES);
        let expand = expand.map(|Conv { weight, bias }| Expand {
            weight,
            transposed: transposed(weight, inputs, hidden),
            bias: extended(bias, padded),
        });
        let area = conv.kernel * conv.kernel;
        Self {
            arch: Arch::new(),
            conv,
            channels,
            residual,
            padded,
            expand,
            taps: transposed(depthwise.weight, area, padded),
            depthwise_bias: extended(depthwise.bias, padded),
            project,
            project_transposed: transposed(project.weight, hidden, outputs),
        }
    }

    /// Returns the number of input pixels of a poster.
    pub(super) fn input_pixels(&self) -> usize {
        self.conv.input[0] * self.conv.input[1]
    }

    /// Returns the number of output pixels of a poster.
    pub(super) fn output_pixels(&self) -> usize {
        self.conv.output[0] * self.conv.output[1]
    }

    /// Returns how many posters a thread computes together, at most `most`.
    pub(super) fn tile(&self, most: usize) -> usize {
        (TILE_PIXELS / self.input_pixels()).clamp(1, most)
    }

    /// Divides the padded hidden channels into groups whose maps stay in the cache, for a tile of `posters`.
    fn groups(&self, posters: usize) -> impl Iterator<Item = Group> + use<> {
        let pixels = posters * self.input_pixels();
        let most = (MAP_BYTES / size_of::<f32>() / pixels).max(LANES);
        let count = self.padded.div_ceil(most);
        let size = self.padded.div_ceil(count).next_multiple_of(LANES);
        let (hidden, padded) = (self.channels.hidden, self.padded);
        (0..padded).step_by(size).map(move |first| {
            let padded = size.min(padded - first);
            Group { first, padded, channels: padded.min(hidden - first) }
        })
    }

    /// Computes the outputs `[posters, pixels, outputs]` of a tile of posters `x`, `[posters, pixels, inputs]`. Each
    /// poster's output is multiplied by its scale before the residual sum.
    pub(super) fn forward(&self, maps: &mut Maps, x: &[f32], scales: &[f32], y: &mut [f32]) {
        let Channels { outputs, .. } = self.channels;
        for group in self.groups(scales.len()) {
            self.hidden(maps, group, x, scales.len());
            let weight = &self.project_transposed[group.first * outputs..];
            let weight = MatrixView::new(&weight[..group.channels * outputs], outputs);
            let output = maps.output.view(group.channels);
            multiply(output, weight, group.accumulate(), MatrixMut::columns(y, outputs, outputs));
        }
        let size = self.output_pixels() * outputs;
        let (bias, residual) = (self.project.bias, self.residual);
        for (poster, (scale, y)) in scales.iter().zip(y.chunks_mut(size)).enumerate() {
            let x = residual.then(|| &x[poster * size..][..size]);
            finish(self.arch, y, bias, *scale, x);
        }
    }

    /// Computes the hidden maps of a group of channels, before and after the depthwise convolution.
    fn hidden(&self, maps: &mut Maps, group: Group, x: &[f32], posters: usize) {
        let Self { arch, conv, .. } = self;
        let Channels { inputs, hidden, .. } = self.channels;
        let Group { first, channels, padded } = group;
        let [before, after] = [self.input_pixels(), self.output_pixels()].map(|p| p * padded);
        let input = maps.input.resize(posters * before, padded);
        match &self.expand {
            Some(expand) => {
                let weight = MatrixView::columns(&expand.transposed[first..], channels, hidden);
                let x = MatrixView::new(x, inputs);
                let target = MatrixMut::columns(input, channels, padded);
                multiply(x, weight, Accumulate::Replace, target);
                let bias = &expand.bias[first..first + padded];
                activate(*arch, input, bias, RELU6);
            }
            None => {
                for (row, x) in input.chunks_exact_mut(padded).zip(x.chunks_exact(inputs)) {
                    row[..channels].copy_from_slice(&x[first..first + channels]);
                }
            }
        }
        let output = maps.output.resize(posters * after, padded);
        for (input, output) in input.chunks_exact(before).zip(output.chunks_exact_mut(after)) {
            let taps = TapValues { values: &self.taps[first..], stride: self.padded };
            let bias = &self.depthwise_bias[first..first + padded];
            run(*arch, Convolution { conv: *conv, channels: padded, input, taps, bias, output });
        }
    }
}

/// A group of hidden channels.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    /// Channels, without padding.
    channels: usize,
    /// Channels with padding, the length of a row of its maps.
    padded: usize,
}

impl Group {
    /// Returns how the group's products are added up: the first one begins the sum.
    fn accumulate(self) -> Accumulate {
        if self.first == 0 { Accumulate::Replace } else { Accumulate::Add }
    }
}

/// The hidden maps of a tile and a group, reused from one to the next.
#[derive(Default)]
pub(super) struct Maps {
    /// Before the depthwise convolution, `[posters, input pixels, padded]`.
    input: Map,
    /// After it, `[posters, output pixels, padded]`.
    output: Map,
}

/// A map in rows of `row` values. The padding of a row may hold values of an earlier group: the taps of these channels are
/// zero, and [`Map::view`] leaves them out.
#[derive(Default)]
struct Map {
    values: Vec<f32>,
    row: usize,
}

impl Map {
    /// Gives the map `length` values in rows of `row`.
    fn resize(&mut self, length: usize, row: usize) -> &mut [f32] {
        if self.row != row {
            self.values.clear();
            self.row = row;
        }
        self.values.resize(length, 0.0);
        &mut self.values
    }

    /// Returns the map's first `channels` channels, `[pixels, channels]`.
    fn view(&self, channels: usize) -> MatrixView<'_> {
        MatrixView::columns(&self.values, channels, self.row)
    }
}

/// Returns the values, followed by zeros to `length`.
fn extended(values: &[f32], length: usize) -> Vec<f32> {
    let mut values = values.to_vec();
    values.resize(length, 0.0);
    values
}
