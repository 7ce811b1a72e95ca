//! The instruction sets that the kernels are compiled for, and which of them the CPU has.

use std::fmt;

#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};

#[cfg(target_arch = "x86_64")]
use super::avx512::Vnni;
use super::{Kernel, Portable, Widths};
use crate::cpu::fixed_point::Format;

/// Whether the baseline has relaxed SIMD.
const RELAXED: bool = cfg!(all(target_arch = "wasm32", feature = "relaxed-simd"));

/// An instruction set that the CPU has.
#[derive(Clone, Copy)]
pub enum Level {
    /// The instructions for which the crate is compiled.
    Baseline,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    /// AVX-512 with VNNI, which multiplies and accumulates pairs of 16-bit integers in one instruction.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Vnni),
}

impl Level {
    /// Returns the name of each level for which there is code, the slowest first, and the level if the CPU has it.
    #[cfg(target_arch = "x86_64")]
    pub fn all() -> [(&'static str, Option<Self>); 4] {
        [
            (Self::Baseline.name(), Some(Self::Baseline)),
            ("avx2", V3::try_new().map(Self::Avx2)),
            ("avx512", V4::try_new().map(Self::Avx512)),
            ("avx512vnni", Vnni::try_new().map(Self::Avx512Vnni)),
        ]
    }

    /// Returns the name of each level for which there is code, the slowest first, and the level if the CPU has it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn all() -> [(&'static str, Option<Self>); 1] {
        [(Self::Baseline.name(), Some(Self::Baseline))]
    }

    /// Returns the fastest level that the CPU has.
    pub fn best() -> Self {
        let levels = Self::all().into_iter().rev();
        levels.filter_map(|(_, level)| level).next().unwrap_or(Self::Baseline)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline if RELAXED => "relaxed-simd",
            Self::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "avx512vnni",
        }
    }

    /// Whether any level of this build multiplies bytes; see [`Self::narrow`].
    pub(in crate::cpu) const MULTIPLIES_BYTES: bool = RELAXED || cfg!(target_arch = "x86_64");

    /// Returns the format of 7-bit values: quads where an instruction multiplies bytes.
    pub fn narrow(self) -> Format {
        match self {
            Self::Baseline if RELAXED => Format::Quads,
            Self::Baseline => Format::NarrowPairs,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) | Self::Avx512(_) | Self::Avx512Vnni(_) => Format::Quads,
        }
    }

    /// Returns how layers divide their channels among registers.
    pub(in crate::cpu) fn widths(self) -> Widths {
        match self {
            Self::Baseline => Widths::of::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Widths::of::<V3>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Avx512Vnni(_) => Widths::of::<V4>(),
        }
    }

    /// Runs a kernel, compiled for this level.
    #[inline(always)]
    pub(in crate::cpu) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Baseline => run_baseline(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(
                #[inline(always)]
                || kernel.run(simd),
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => simd.vectorize(
                #[inline(always)]
                || kernel.run(simd),
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(simd) => simd.vectorize(
                #[inline(always)]
                || kernel.run(simd.v4()),
            ),
        }
    }
}

/// Runs a kernel, compiled for the baseline. Not inlined: a kernel that is called at several places would be there
/// several times.
#[cfg_attr(
    all(target_arch = "wasm32", feature = "relaxed-simd"),
    target_feature(enable = "relaxed-simd")
)]
#[inline(never)]
fn run_baseline<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Portable)
}

impl fmt::Debug for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
