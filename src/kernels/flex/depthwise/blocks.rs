//! Registers of neighbouring channels, and work that treats them block by block.

use pulp::{Arch, Simd, WithSimd};

/// Work on a map that treats blocks of channels one after the other.
pub(in crate::kernels::flex) trait Blocks {
    /// Returns the side of the kernel, and the number of channels, a multiple of the widest register.
    fn size(&self) -> [usize; 2];

    /// Works on `R` registers of channels, beginning with channel `first`, with `T` taps of a row at a time. `T`
    /// divides the kernel's side.
    fn block<S: Simd, const R: usize, const T: usize>(&mut self, simd: S, first: usize);
}

/// Runs the work on all channels, with the widest registers that the machine has.
pub(in crate::kernels::flex) fn run<W: Blocks>(arch: Arch, work: W) {
    match work.size()[0] {
        3 => arch.dispatch(AllBlocks::<W, 3>(work)),
        5 => arch.dispatch(AllBlocks::<W, 5>(work)),
        _ => arch.dispatch(AllBlocks::<W, 1>(work)),
    }
}

/// Registers of channels in a block. With five taps, twice as many would not fit into 16 registers.
const WIDE: usize = 2;

struct AllBlocks<W, const T: usize>(W);

impl<W: Blocks, const T: usize> WithSimd for AllBlocks<W, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let ([_, channels], wide) = (self.0.size(), WIDE * S::F32_LANES);
        let narrow_from = channels - channels % wide;
        let mut first = 0;
        while first < narrow_from {
            self.0.block::<S, WIDE, T>(simd, first);
            first += wide;
        }
        while first < channels {
            self.0.block::<S, 1, T>(simd, first);
            first += S::F32_LANES;
        }
    }
}

/// The weights of `T` taps, each in `R` registers of channels.
pub(super) struct Taps<S: Simd, const R: usize, const T: usize>(pub(super) [[S::f32s; R]; T]);

impl<S: Simd, const R: usize, const T: usize> Taps<S, R, T> {
    /// Loads taps whose weights are `stride` values apart.
    #[inline(always)]
    pub(super) fn load(values: &[f32], stride: usize) -> Self {
        let mut taps = [load::<S, R>(values); T];
        for (index, tap) in taps.iter_mut().enumerate() {
            *tap = load::<S, R>(&values[index * stride..]);
        }
        Self(taps)
    }
}

/// Adds the product of two groups of registers to `sums`.
#[inline(always)]
pub(super) fn add_product<S: Simd, const R: usize>(
    simd: S,
    sums: &mut [S::f32s; R],
    a: &[S::f32s; R],
    b: &[S::f32s; R],
) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum = simd.mul_add_e_f32s(*a, *b, *sum);
    }
}

/// Loads registers of neighbouring channels.
#[inline(always)]
pub(super) fn load<S: Simd, const R: usize>(values: &[f32]) -> [S::f32s; R] {
    let (registers, _) = S::as_simd_f32s(&values[..R * S::F32_LANES]);
    let mut loaded = [registers[0]; R];
    loaded.copy_from_slice(registers);
    loaded
}

/// Stores registers of neighbouring channels.
#[inline(always)]
pub(super) fn store<S: Simd, const R: usize>(values: &mut [f32], registers: [S::f32s; R]) {
    let (target, _) = S::as_mut_simd_f32s(&mut values[..R * S::F32_LANES]);
    target.copy_from_slice(&registers);
}
