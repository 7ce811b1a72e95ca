//! Quantises the weights of a depthwise convolution and packs them in the order in which the kernel reads them.

use wide::i16x8;

use super::GROUP;
use super::layout::MapLayout;
use crate::cpu::fixed_point;
use crate::padding::SameConv;

/// Packs `weights`, `[channels, kernel, kernel]` row-major, with one factor per channel, into the layout
/// `[channels / 8][kernel rows][tap pairs][alignments]`.
pub(super) fn pack(
    weights: &[f32],
    factors: &[f32],
    conv: &SameConv,
    layout: &MapLayout,
) -> Vec<[i16x8; 2]> {
    let kernel = conv.kernel;
    // Columns beside the kernel have a zero tap.
    let tap = |channel: usize, row: usize, column: Option<usize>| match column {
        Some(column) if column < kernel => {
            let weight = weights[(channel * kernel + row) * kernel + column];
            fixed_point::quantise(weight, factors[channel]) as i16
        }
        _ => 0,
    };
    let mut taps = Vec::new();
    for group in 0..factors.len() / GROUP {
        for row in 0..kernel {
            for pair in 0..kernel.div_ceil(2) {
                for alignment in layout.alignments(conv) {
                    taps.push([0, 1].map(|register| {
                        i16x8::new(std::array::from_fn(|lane| {
                            let channel = group * GROUP + register * 4 + lane / 2;
                            tap(channel, row, (pair * 2 + lane % 2).checked_sub(alignment))
                        }))
                    }));
                }
            }
        }
    }
    taps
}
