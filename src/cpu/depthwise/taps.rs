//! Quantises the weights of a depthwise convolution and packs them in the order in which the kernel reads them.

use super::GROUP;
use super::layout::MapLayout;
use crate::cpu::fixed_point;
use crate::cpu::simd::{Groups, Pair, Widths};
use crate::padding::SameConv;

/// Packs `weights`, `[channels, kernel, kernel]` row-major, with one factor per channel, into the layout
/// `[registers][kernel rows][tap pairs][alignments][groups of the register]`.
pub(super) fn pack(
    widths: Widths,
    weights: &[f32],
    factors: &[f32],
    conv: &SameConv,
    layout: &MapLayout,
) -> Groups {
    let kernel = conv.kernel;
    // Columns beside the kernel have a zero tap.
    let tap = |channel: usize, row: usize, column: Option<usize>| match column {
        Some(column) if column < kernel => {
            let weight = weights[(channel * kernel + row) * kernel + column];
            fixed_point::quantise(weight, factors[channel]) as i16
        }
        _ => 0,
    };
    let all = factors.len() / GROUP;
    let mut taps = Vec::new();
    let mut first = 0;
    while first < all {
        let next = first + widths.register(all - first);
        for row in 0..kernel {
            for pair in 0..kernel.div_ceil(2) {
                for alignment in layout.alignments(conv) {
                    taps.extend((first * GROUP..next * GROUP).map(|channel| {
                        let columns = [pair * 2, pair * 2 + 1];
                        let taps =
                            columns.map(|column| tap(channel, row, column.checked_sub(alignment)));
                        bytemuck::cast::<[i16; 2], Pair>(taps)
                    }));
                }
            }
        }
        first = next;
    }
    taps.into()
}
