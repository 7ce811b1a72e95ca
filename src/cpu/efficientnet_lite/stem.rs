//! The stem: a poster's pixels to patches, over which its convolution is a 1x1 convolution.

use crate::architecture::efficientnet_lite::STEM;
use crate::cpu::fixed_point::{self, InputRange, Pair};
use crate::cpu::pointwise::Expand;
use crate::error::Result;
use crate::image::{Pixels, Preprocess};
use crate::padding::SameConv;
use crate::weights::Tensors;

/// Values under the kernel at one position, plus a zero to make their number even.
const PATCH: usize = (3 * STEM.kernel * STEM.kernel).next_multiple_of(2);

/// Extracts patches from posters of one size.
#[derive(Debug)]
pub(super) struct Stem {
    /// Normalised and quantised value of each 8-bit level, per colour channel.
    levels: Box<[[i16; 256]; 3]>,
    /// Fraction bits of these values.
    bits: i32,
    conv: SameConv,
}

impl Stem {
    pub(super) fn new(input: &Preprocess) -> Self {
        // Normalise one pixel of each level, `[3, 256]`, with the same code as every poster.
        let levels = Pixels::from_fn(256, 1, |level, _| [level as u8; 3]);
        let values = input.normalise(&levels);
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let bits = InputRange::STREAM.fraction_bits(largest);
        let factor = fixed_point::power_of_two(bits);
        let quantised = |value: f32| fixed_point::quantise(value, factor) as i16;
        let size = [input.height as usize, input.width as usize];
        Self {
            levels: Box::new(std::array::from_fn(|channel| {
                std::array::from_fn(|level| quantised(values[channel * 256 + level]))
            })),
            bits,
            conv: SameConv::new(size, STEM.kernel, STEM.stride),
        }
    }

    /// Returns the height and width of the output.
    pub(super) fn output(&self) -> [usize; 2] {
        self.conv.output
    }

    /// Returns the stem's convolution as a 1x1 convolution over patches.
    pub(super) fn convolution(tensors: &mut Tensors) -> Result<Expand> {
        let [weight, bias] = tensors.take_layer("stem")?;
        // From `[output, channel, row, column]` to the order of a patch, `[output, row, column, channel]`.
        let area = STEM.kernel * STEM.kernel;
        let reordered = weight.chunks_exact(3 * area).flat_map(|weight| {
            let value = move |index: usize| match index {
                index if index < 3 * area => weight[index % 3 * area + index / 3],
                _ => 0.0,
            };
            (0..PATCH).map(value)
        });
        Expand::new(&reordered.collect::<Vec<_>>(), bias, InputRange::STREAM)
    }

    /// Writes the pixels under the kernel at each position, `[rows, columns, PATCH]` with an even number of
    /// columns, and returns their fraction bits.
    pub(super) fn patches(&self, poster: &Pixels, patches: &mut Vec<Pair>) -> i32 {
        let SameConv { input: [height, width], output, padding, .. } = self.conv;
        // Copy the poster into a frame of zeros that covers every position of the kernel.
        let columns = output[1].next_multiple_of(2);
        let row = ((columns - 1) * STEM.stride + STEM.kernel).max(padding[1] + width) * 3;
        let rows = self.conv.visited()[0].max(padding[0] + height);
        let mut framed = vec![0; rows * row];
        let lines = poster.rgb().chunks_exact(width * 3);
        for (line, target) in lines.zip(framed.chunks_exact_mut(row).skip(padding[0])) {
            let values = line.iter().zip(self.levels.iter().cycle());
            for (target, (&level, levels)) in target.iter_mut().skip(padding[1] * 3).zip(values) {
                *target = levels[usize::from(level)];
            }
        }
        let line_length = STEM.kernel * 3;
        patches.clear();
        patches.resize(output[0] * columns * PATCH / 2, 0);
        let values: &mut [i16] = bytemuck::cast_slice_mut(patches);
        for (index, patch) in values.chunks_exact_mut(PATCH).enumerate() {
            let [y, x] = [index / columns, index % columns];
            for (line, target) in patch.chunks_exact_mut(line_length).enumerate() {
                let from = (y * STEM.stride + line) * row + x * STEM.stride * 3;
                target.copy_from_slice(&framed[from..][..line_length]);
            }
        }
        self.bits
    }
}
