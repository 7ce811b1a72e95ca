//! The stem: a poster's pixels to patches, over which its convolution is a 1x1 convolution.

use std::ops::Range;

use crate::architecture::efficientnet_lite::STEM;
use crate::cpu::fixed_point::{self, InputRange, Quantisation};
use crate::cpu::pointwise::{Expand, Precision};
use crate::cpu::simd::{Level, Unit};
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
    quantisation: Quantisation,
    conv: SameConv,
}

impl Stem {
    pub(super) fn new(input: &Preprocess) -> Self {
        // Normalise one pixel of each level, `[3, 256]`, with the same code as every poster.
        let levels = Pixels::from_fn(256, 1, |level, _| [level as u8; 3]);
        let values = input.normalise(&levels);
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let bits = InputRange::STREAM.fraction_bits(largest);
        let quantisation = Quantisation::with_bits(bits);
        let quantised = |value: f32| fixed_point::quantise(value, quantisation.factor) as i16;
        let size = [input.height as usize, input.width as usize];
        Self {
            levels: Box::new(std::array::from_fn(|channel| {
                std::array::from_fn(|level| quantised(values[channel * 256 + level]))
            })),
            quantisation,
            conv: SameConv::new(size, STEM.kernel, STEM.stride),
        }
    }

    /// Returns the height and width of the output.
    pub(super) fn output(&self) -> [usize; 2] {
        self.conv.output
    }

    /// Returns the stem's convolution as a 1x1 convolution over patches.
    pub(super) fn convolution(level: Level, tensors: &mut Tensors<'_>) -> Result<Expand> {
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
        Expand::new(
            level,
            &reordered.collect::<Vec<_>>(),
            bias,
            Precision::Wide(InputRange::STREAM),
        )
    }

    /// Returns how the patches are quantised.
    pub(super) fn quantisation(&self) -> Quantisation {
        self.quantisation
    }

    /// Writes the poster in a frame of zeros that covers every position of the kernel.
    pub(super) fn frame(&self, poster: &Pixels, frame: &mut Vec<i16>) {
        let SameConv { input: [height, width], padding: [above, left], .. } = self.conv;
        let row = self.frame_row();
        let rows = self.conv.visited()[0].max(above + height);
        frame.clear();
        frame.resize(rows * row, 0);
        let lines = poster.rgb().chunks_exact(width * 3);
        for (line, target) in lines.zip(frame.chunks_exact_mut(row).skip(above)) {
            let targets = target[left * 3..].as_chunks_mut::<3>().0;
            for (target, pixel) in targets.iter_mut().zip(line.as_chunks::<3>().0) {
                for ((target, level), levels) in target.iter_mut().zip(pixel).zip(&*self.levels) {
                    *target = levels[usize::from(*level)];
                }
            }
        }
    }

    /// Writes the pixels under the kernel at each position of some rows, `[rows, columns, PATCH]` with an even number of
    /// columns.
    pub(super) fn patches(&self, frame: &[i16], rows: Range<usize>, patches: &mut Vec<Unit>) {
        const LINE: usize = STEM.kernel * 3;
        let columns = self.columns();
        let row = self.frame_row();
        patches.resize(rows.len() * columns * PATCH / 2, 0);
        let values: &mut [i16] = bytemuck::cast_slice_mut(patches);
        for (y, patches) in rows.zip(values.chunks_exact_mut(columns * PATCH)) {
            let frame = &frame[y * STEM.stride * row..];
            for (x, patch) in patches.as_chunks_mut::<PATCH>().0.iter_mut().enumerate() {
                let (lines, rest) = patch.as_chunks_mut::<LINE>();
                for (line, target) in lines.iter_mut().enumerate() {
                    let from = line * row + x * STEM.stride * 3;
                    target.copy_from_slice(&frame[from..][..LINE]);
                }
                rest.fill(0);
            }
        }
    }

    /// Returns the number of columns of the output, rounded up to an even one.
    fn columns(&self) -> usize {
        self.conv.output[1].next_multiple_of(2)
    }

    /// Returns the number of values in a row of the frame.
    fn frame_row(&self) -> usize {
        let visited = (self.columns() - 1) * STEM.stride + STEM.kernel;
        visited.max(self.conv.padding[1] + self.conv.input[1]) * 3
    }
}
