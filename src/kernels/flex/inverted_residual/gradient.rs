//! The gradients of an inverted residual block. The hidden maps are computed again from the block's input.

use super::super::depthwise::{InputGradient, TapValues, TapsGradient, run};
use super::super::parallel::add;
use super::super::product::{Accumulate, MatrixMut, MatrixView, multiply};
use super::super::rows::{add_rows, through_relu6, transposed};
use super::{Block, Channels, Group, Map, Maps};

/// The gradients of a block's weights, added up over posters. `padded` is as in [`Block`].
#[derive(Clone)]
pub(in crate::kernels::flex) struct Gradients {
    /// `[inputs, hidden]`; empty if the block has no first convolution.
    expand_transposed: Vec<f32>,
    /// `[padded]`.
    expand_bias: Vec<f32>,
    /// `[kernel * kernel, padded]`.
    taps: Vec<f32>,
    /// `[padded]`.
    depthwise_bias: Vec<f32>,
    /// `[outputs, hidden]`.
    project: Vec<f32>,
    /// `[outputs]`.
    project_bias: Vec<f32>,
}

/// A convolution's gradients, in the layout of its weight and bias.
pub(in crate::kernels::flex) struct ConvGradient {
    pub(in crate::kernels::flex) weight: Vec<f32>,
    pub(in crate::kernels::flex) bias: Vec<f32>,
}

/// A tile's maps and their gradients, reused from tile to tile.
#[derive(Default)]
pub(in crate::kernels::flex) struct GradientMaps {
    maps: Maps,
    of_input: Map,
    of_output: Map,
    /// The outputs' gradient, multiplied by the posters' scales.
    scaled: Vec<f32>,
}

/// A tile of posters for which gradients are computed.
pub(in crate::kernels::flex) struct Tile<'a> {
    /// `[posters, pixels, inputs]`.
    pub(in crate::kernels::flex) x: &'a [f32],
    /// As in [`Block::forward`], one per poster.
    pub(in crate::kernels::flex) scales: &'a [f32],
    /// The outputs' gradient, `[posters, pixels, outputs]`.
    pub(in crate::kernels::flex) of_y: &'a [f32],
    /// Receives the inputs' gradient, `[posters, pixels, inputs]`; `None` if it is not needed.
    pub(in crate::kernels::flex) of_x: Option<&'a mut [f32]>,
}

impl Block<'_> {
    /// Returns gradients to add to.
    pub(in crate::kernels::flex) fn zero_gradients(&self) -> Gradients {
        let Channels { inputs, hidden, outputs } = self.channels;
        let expand = if self.expand.is_some() { inputs * hidden } else { 0 };
        Gradients {
            expand_transposed: vec![0.0; expand],
            expand_bias: vec![0.0; self.padded],
            taps: vec![0.0; self.taps.len()],
            depthwise_bias: vec![0.0; self.padded],
            project: vec![0.0; outputs * hidden],
            project_bias: vec![0.0; outputs],
        }
    }

    /// Adds the weights' gradients for a tile to `sums`, and writes those of its input.
    pub(in crate::kernels::flex) fn backward(
        &self,
        maps: &mut GradientMaps,
        tile: Tile<'_>,
        sums: &mut Gradients,
    ) {
        let Channels { inputs, hidden, outputs } = self.channels;
        let Tile { x, scales, of_y, mut of_x } = tile;
        if let (true, Some(of_x)) = (self.residual, &mut of_x) {
            of_x.copy_from_slice(of_y);
        }
        let GradientMaps { maps, of_input, of_output, scaled } = maps;
        scale_into(scaled, of_y, scales);
        let bias = &mut sums.project_bias;
        add_rows(self.arch, scaled, bias);
        let of_y = MatrixView::new(scaled, outputs);
        for group in self.groups(scales.len()) {
            self.hidden(maps, group, x, scales.len());
            let Group { first, channels, padded } = group;
            let of_weight = MatrixMut::columns(&mut sums.project[first..], channels, hidden);
            multiply(of_y.transposed(), maps.output.view(channels), Accumulate::Add, of_weight);
            let output = &maps.output.values;
            let gradient = of_output.resize(output.len(), padded);
            let weight = MatrixView::columns(&self.project.weight[first..], channels, hidden);
            let target = MatrixMut::columns(gradient, channels, padded);
            multiply(of_y, weight, Accumulate::Replace, target);
            let bias = &mut sums.depthwise_bias[first..first + padded];
            through_relu6(self.arch, gradient, output, bias);
            if self.expand.is_none() && of_x.is_none() {
                self.depthwise_backward(group, maps, of_output, None, sums);
                continue;
            }
            self.depthwise_backward(group, maps, of_output, Some(of_input), sums);
            let Some(expand) = &self.expand else {
                let rows = of_x.iter_mut().flat_map(|of_x| of_x.chunks_exact_mut(inputs));
                for (sum, row) in rows.zip(of_input.values.chunks_exact(padded)) {
                    let sum = &mut sum[first..first + channels];
                    if self.residual {
                        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                    } else {
                        sum.copy_from_slice(&row[..channels]);
                    }
                }
                continue;
            };
            let of_hidden = of_input.view(channels);
            let target = &mut sums.expand_transposed[first..];
            let target = MatrixMut::columns(target, channels, hidden);
            let x = MatrixView::new(x, inputs);
            multiply(x.transposed(), of_hidden, Accumulate::Add, target);
            if let Some(of_x) = &mut of_x {
                let weight = &expand.weight[first * inputs..(first + channels) * inputs];
                let accumulate = if self.residual { Accumulate::Add } else { group.accumulate() };
                let target = MatrixMut::columns(of_x, inputs, inputs);
                multiply(of_hidden, MatrixView::new(weight, inputs), accumulate, target);
            }
        }
    }

    /// Adds the gradients of a group's taps, and those of the bias before them, and computes those of the depthwise
    /// convolution's input.
    fn depthwise_backward(
        &self,
        group: Group,
        maps: &Maps,
        of_output: &Map,
        mut of_input: Option<&mut Map>,
        sums: &mut Gradients,
    ) {
        let Group { first, padded: channels, .. } = group;
        let (conv, stride) = (self.conv, self.padded);
        let [before, after] = [self.input_pixels(), self.output_pixels()].map(|p| p * channels);
        let posters = maps.input.values.chunks_exact(before);
        let posters = posters.zip(of_output.values.chunks_exact(after));
        if let Some(of_input) = &mut of_input {
            of_input.resize(maps.input.values.len(), channels);
        }
        for (poster, (input, of_output)) in posters.enumerate() {
            let of_taps = &mut sums.taps[first..];
            run(self.arch, TapsGradient { conv, channels, input, of_output, of_taps, stride });
            let Some(of_input) = &mut of_input else { continue };
            let gradient = InputGradient {
                conv,
                channels,
                taps: TapValues { values: &self.taps[first..], stride },
                of_output,
                clamped: self.expand.is_some().then_some(input),
                of_input: &mut of_input.values[poster * before..][..before],
                sums: &mut sums.expand_bias[first..first + channels],
            };
            run(self.arch, gradient);
        }
    }
}

impl Gradients {
    /// Adds the gradients over other posters.
    pub(in crate::kernels::flex) fn add(&mut self, other: &Self) {
        add(&mut self.expand_transposed, &other.expand_transposed);
        add(&mut self.expand_bias, &other.expand_bias);
        add(&mut self.taps, &other.taps);
        add(&mut self.depthwise_bias, &other.depthwise_bias);
        add(&mut self.project, &other.project);
        add(&mut self.project_bias, &other.project_bias);
    }

    /// Returns the gradients of the two or three convolutions, in their order, for `hidden` hidden channels.
    pub(in crate::kernels::flex) fn into_convs(mut self, hidden: usize) -> Vec<ConvGradient> {
        let mut convs = Vec::new();
        if !self.expand_transposed.is_empty() {
            let inputs = self.expand_transposed.len() / hidden;
            self.expand_bias.truncate(hidden);
            let weight = transposed(&self.expand_transposed, hidden, inputs);
            convs.push(ConvGradient { weight, bias: self.expand_bias });
        }
        let padded = self.depthwise_bias.len();
        let area = self.taps.len() / padded;
        let mut weight = transposed(&self.taps, padded, area);
        weight.truncate(hidden * area);
        self.depthwise_bias.truncate(hidden);
        convs.push(ConvGradient { weight, bias: self.depthwise_bias });
        convs.push(ConvGradient { weight: self.project, bias: self.project_bias });
        convs
    }
}

/// Writes each poster's values, multiplied by its scale.
fn scale_into(scaled: &mut Vec<f32>, values: &[f32], scales: &[f32]) {
    scaled.clear();
    for (values, scale) in values.chunks_exact(values.len() / scales.len()).zip(scales) {
        scaled.extend(values.iter().map(|value| value * scale));
    }
}
