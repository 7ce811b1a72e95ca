//! Plain integer layers: one value after the other, in the order of the formula. Sums are computed in 64 bits, so that
//! an accumulator of 32 bits that would overflow fails the test.

use marquee::cpu::fixed_point::{HIDDEN_BITS, InputRange, power_of_two, quantise};

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

/// Returns ReLU6 of an accumulator as a hidden value.
fn relu6(sum: i32, scale: f32) -> i16 {
    let six = f32::from(6_i16 << HIDDEN_BITS);
    (sum as f32 * scale).clamp(0.0, six).round_ties_even() as i16
}

/// `weights` are `[outputs, inputs]`, `input` is `[pixels, inputs]` with `bits` fraction bits. Returns hidden values,
/// `[pixels, outputs]`.
pub(super) fn expand(
    weights: &[f32],
    bias: &[f32],
    range: InputRange,
    input: &[i16],
    bits: i32,
) -> Vec<i16> {
    let inputs = weights.len() / bias.len();
    let mut output = Vec::new();
    for pixel in input.chunks(inputs) {
        for (row, &bias) in weights.chunks(inputs).zip(bias) {
            let factor = range.weight_factor(row, bias);
            let scaled = factor * power_of_two(bits);
            let products = row.iter().zip(pixel).map(|(w, value)| (quantise(*w, factor), *value));
            let sum = accumulated(quantise(bias, scaled), products);
            output.push(relu6(sum, power_of_two(HIDDEN_BITS) / scaled));
        }
    }
    output
}

/// `weights` are `[channels, kernel, kernel]`, `input` is `[rows, columns, channels]` of hidden values, as is the
/// output. The padding is TensorFlow's "SAME".
pub(super) fn depthwise(weights: &[f32], bias: &[f32], conv: Conv, input: &[i16]) -> Vec<i16> {
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
                output.push(relu6(accumulated(start, products), 1.0 / factor));
            }
        }
    }
    output
}

/// Like [`expand`], but linear: returns floats.
pub(super) fn project(
    weights: &[f32],
    bias: &[f32],
    range: InputRange,
    input: &[i16],
    bits: i32,
) -> Vec<f32> {
    let inputs = weights.len() / bias.len();
    let mut output = Vec::new();
    for pixel in input.chunks(inputs) {
        for (row, &bias) in weights.chunks(inputs).zip(bias) {
            let factor = range.weight_factor(row, 0.0);
            let products = row.iter().zip(pixel).map(|(w, value)| (quantise(*w, factor), *value));
            let scale = 1.0 / (factor * power_of_two(bits));
            output.push(accumulated(0, products) as f32 * scale + bias);
        }
    }
    output
}

/// Returns rows of quantised values, each followed by `padding` pairs of zeros, and their fraction bits. A row with an
/// odd number of values gets one zero more.
pub(super) fn quantise_stream(values: &[f32], row: usize, padding: usize) -> (Vec<i16>, i32) {
    let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let bits = InputRange::STREAM.fraction_bits(largest);
    let mut output = Vec::new();
    for row in values.chunks(row) {
        output.extend(row.iter().map(|value| quantise(*value, power_of_two(bits)) as i16));
        output.resize(output.len().next_multiple_of(2) + 2 * padding, 0);
    }
    (output, bits)
}
