//! Plain integer layers: one value after the other, in the order of the formula. Sums are computed in 64 bits, so that
//! an accumulator of 32 bits that would overflow fails the test.

use marquee::cpu::fixed_point::{
    Format, HIDDEN_BITS, InputRange, Quantisation, power_of_two, quantise,
};

/// A 1x1 convolution: `[outputs, inputs]` weights, and a factor of the weights and a bias for each output.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) weights: &'a [f32],
    pub(super) factors: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// A depthwise convolution's sizes; `input` is `[height, width]`.
#[derive(Clone, Copy)]
pub(super) struct Conv {
    pub(super) input: [usize; 2],
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// Returns a sum of products as the 32 bits that a kernel has for it.
fn accumulated(start: i32, products: impl Iterator<Item = (i32, i16)>) -> i32 {
    let sum: i64 = products.map(|(weight, value)| i64::from(weight) * i64::from(value)).sum();
    i32::try_from(i64::from(start) + sum).expect("the accumulator overflows")
}

/// Returns ReLU6 of an accumulator as a hidden value; `six` is that of 6.
fn relu6(sum: i32, scale: f32, six: f32) -> i16 {
    (sum as f32 * scale).clamp(0.0, six).round_ties_even() as i16
}

/// Returns the accumulators of a pixel, one per output. `start` returns their initial values, from bias and factor.
fn accumulators(
    layer: Layer<'_>,
    pixel: &[i16],
    zero: i32,
    start: impl Fn(f32, f32) -> i32,
) -> Vec<i32> {
    let Layer { weights, factors, bias } = layer;
    let rows = weights.chunks(pixel.len()).zip(factors.iter().zip(bias));
    rows.map(|(row, (&factor, &bias))| {
        let values = pixel.iter().map(|value| value - zero as i16);
        let products = row.iter().zip(values).map(|(w, value)| (quantise(*w, factor), value));
        accumulated(start(bias, factor), products)
    })
    .collect()
}

/// `input` is `[pixels, inputs]`. Returns wide hidden values, `[pixels, outputs]`.
pub(super) fn expand(layer: Layer<'_>, input: &[i16], quantisation: Quantisation) -> Vec<i16> {
    let Quantisation { factor: input_factor, zero } = quantisation;
    let mut output = Vec::new();
    for pixel in input.chunks(layer.weights.len() / layer.bias.len()) {
        let start = |bias, factor| quantise(bias, factor * input_factor);
        let sums = accumulators(layer, pixel, zero, start);
        for (sum, factor) in sums.into_iter().zip(layer.factors) {
            let hidden = power_of_two(HIDDEN_BITS);
            output.push(relu6(sum, hidden / (factor * input_factor), 6.0 * hidden));
        }
    }
    output
}

/// `weights` are `[channels, kernel, kernel]`, `input` is `[rows, columns, channels]` of wide hidden values, as is the
/// output, in the given format. The padding is TensorFlow's "SAME".
pub(super) fn depthwise(
    weights: &[f32],
    bias: &[f32],
    conv: Conv,
    input: &[i16],
    format: Format,
) -> Vec<i16> {
    let target = format.hidden().factor;
    let Conv { input: [height, width], kernel, stride } = conv;
    let channels = bias.len();
    let [rows, columns] = conv.input.map(|side| side.div_ceil(stride));
    let [above, left] = [(height, rows), (width, columns)]
        .map(|(side, outputs)| ((outputs - 1) * stride + kernel).saturating_sub(side) / 2);
    let mut output = Vec::new();
    for y in 0..rows {
        for x in 0..columns {
            for (channel, &bias) in bias.iter().enumerate() {
                let taps = &weights[channel * kernel * kernel..][..kernel * kernel];
                let factor = InputRange::HIDDEN.weight_factor(taps, bias);
                let products = taps.iter().enumerate().filter_map(|(tap, weight)| {
                    let row = (y * stride + tap / kernel).checked_sub(above)?;
                    let column = (x * stride + tap % kernel).checked_sub(left)?;
                    let inside = row < height && column < width;
                    inside.then(|| {
                        let value = input[(row * width + column) * channels + channel];
                        (quantise(*weight, factor), value)
                    })
                });
                let start = quantise(bias, factor * power_of_two(HIDDEN_BITS));
                let scale = target / power_of_two(HIDDEN_BITS) / factor;
                output.push(relu6(accumulated(start, products), scale, 6.0 * target));
            }
        }
    }
    output
}

/// Like [`expand`], but linear: returns floats.
pub(super) fn project(layer: Layer<'_>, input: &[i16], quantisation: Quantisation) -> Vec<f32> {
    let Quantisation { factor: input_factor, zero } = quantisation;
    let mut output = Vec::new();
    for pixel in input.chunks(layer.weights.len() / layer.bias.len()) {
        let sums = accumulators(layer, pixel, zero, |_, _| 0);
        for ((sum, factor), bias) in sums.into_iter().zip(layer.factors).zip(layer.bias) {
            output.push(sum as f32 * (1.0 / (factor * input_factor)) + bias);
        }
    }
    output
}

/// Returns rows of quantised values, each followed by `padding` units of zeros, and their quantisation. The last unit of
/// a row is completed with zeros.
pub(super) fn quantise_stream(
    values: &[f32],
    [row, padding]: [usize; 2],
    format: Format,
) -> (Vec<i16>, Quantisation) {
    let lowest = values.iter().copied().fold(0.0, f32::min);
    let highest = values.iter().copied().fold(0.0, f32::max);
    let quantisation = if format == Format::Pairs {
        Quantisation::with_bits(InputRange::STREAM.fraction_bits(highest.max(-lowest)))
    } else {
        let factor = (127.0 / (highest - lowest)).min(1024.0);
        Quantisation { factor, zero: (-lowest * factor).round_ties_even() as i32 }
    };
    let Quantisation { factor, zero } = quantisation;
    let quantised = |value: &f32| match format {
        Format::Pairs => quantise(*value, factor) as i16,
        _ => (value * factor + zero as f32).clamp(0.0, 127.0).round_ties_even() as i16,
    };
    let mut output = Vec::new();
    for row in values.chunks(row) {
        output.extend(row.iter().map(quantised));
        let length = output.len().next_multiple_of(format.values()) + format.values() * padding;
        output.resize(length, 0);
    }
    (output, quantisation)
}
