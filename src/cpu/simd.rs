//! The instructions of the integer kernels. The kernels are written once, over [`Simd`], and compiled for each
//! instruction set; [`Level`] picks one at run time.
//!
//! | level | file | channels of a register | instructions |
//! |---|---|---|---|
//! | `baseline` | `portable.rs` | 8, in two registers | those of the compilation: SSE2, NEON, or wasm's SIMD |
//! | `relaxed-simd` | `portable.rs` | 8, in two registers | wasm's relaxed SIMD, in a package of its own |
//! | `avx2` | `avx2.rs` | 8 | AVX2 |
//! | `avx512` | `avx512.rs` | 16 | AVX-512 F, BW and VL |
//! | `avx512vnni` | `avx512.rs` | 16 | the same; the compiler merges multiplications and additions |
//!
//! All levels compute the same results to the last bit: sums of integers are exact, and floats are multiplied, added
//! and rounded by the same operations in the same order, never by a fused multiply-add.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod groups;
mod level;
mod portable;
mod widths;

pub use groups::{GROUP, Group, Groups};
pub use level::Level;
pub use portable::Portable;
pub(in crate::cpu) use widths::Widths;

/// Two neighbouring 16-bit values that one instruction multiplies and adds: channels of a pixel in a 1x1
/// convolution, pixels of a channel in a depthwise one.
pub type Pair = i32;

/// What one instruction multiplies and adds in a lane: a [`Pair`], or four neighbouring channels in 8 bits.
pub type Unit = i32;

/// Work that is compiled for each instruction set.
pub trait Kernel {
    /// The result.
    type Output;

    /// Does the work. Everything that it calls with `simd` must be inlined, or it is compiled for the baseline.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// The instructions of one instruction set, on registers with a 32-bit lane for each of some neighbouring channels. A
/// value of this type proves that the CPU has them.
pub trait Simd: Copy {
    /// Groups of eight channels in a register.
    const GROUPS: usize;
    /// Registers of outputs that a 1x1 convolution accumulates together for each pixel, 1 or 2.
    const PANEL: usize;
    /// Whether there are 32 registers instead of 16.
    const MANY_REGISTERS: bool;
    /// Kernel positions that a depthwise convolution accumulates together, 2 or 4.
    const POSITIONS: usize;

    /// The same instructions on a single group.
    type Single: Simd;
    /// Integers of 32 bits, or pairs of integers of 16 bits.
    type Integers: Copy;
    /// Floats.
    type Floats: Copy;

    /// Returns the same instructions on a single group.
    fn single(self) -> Self::Single;

    /// Loads a register from the first groups.
    fn load(self, groups: &[Group]) -> Self::Integers;
    /// Stores a register to the first groups.
    fn store(self, integers: Self::Integers, groups: &mut [Group]);
    /// Stores each integer in 16 bits, or the nearest that 16 bits have: four pairs per group.
    fn store_saturated(self, integers: Self::Integers, groups: &mut [[Unit; 4]]);
    /// Stores each integer, from 0 to 127, in 8 bits: two units per group.
    fn store_bytes(self, integers: Self::Integers, groups: &mut [[Unit; 2]]);
    /// Returns `pair` in every lane.
    fn splat(self, pair: Pair) -> Self::Integers;
    /// Multiplies pairs of 16-bit integers, and adds both products to the lane's sum.
    fn add_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers;
    /// Multiplies four 8-bit integers, `left` from -127 to 127 with `right` from 0 to 127, and adds all four products to
    /// the lane's sum.
    fn add_byte_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers;
    /// Returns pairs of the integers of `left` and `right`, all from 0 to `i16::MAX`.
    fn pair_up(self, left: Self::Integers, right: Self::Integers) -> Self::Integers;

    /// Loads a register from the first groups.
    fn load_floats(self, groups: &[[f32; 8]]) -> Self::Floats;
    /// Stores a register to the first groups.
    fn store_floats(self, floats: Self::Floats, groups: &mut [[f32; 8]]);
    /// Returns `value` in every lane.
    fn splat_float(self, value: f32) -> Self::Floats;
    /// Converts integers to floats.
    fn to_floats(self, integers: Self::Integers) -> Self::Floats;
    /// Returns the products of the lanes.
    fn multiply(self, left: Self::Floats, right: Self::Floats) -> Self::Floats;
    /// Returns the sums of the lanes.
    fn add(self, left: Self::Floats, right: Self::Floats) -> Self::Floats;
    /// Returns the larger of two numbers; which of them, if one is NaN, differs between machines.
    fn max(self, left: Self::Floats, right: Self::Floats) -> Self::Floats;
    /// Returns the smaller of two numbers; which of them, if one is NaN, differs between machines.
    fn min(self, left: Self::Floats, right: Self::Floats) -> Self::Floats;
    /// Rounds to the nearest integers, ties to even.
    fn round(self, floats: Self::Floats) -> Self::Integers;
    /// Rounds numbers from 0 to `i16::MAX` to the nearest integers, ties to even.
    fn round_hidden(self, floats: Self::Floats) -> Self::Integers;
}
