//! The baseline: 128-bit instructions for which the crate is compiled. The browser's level.

use bytemuck::cast;
use wide::{f32x4, i8x16, i16x8, i16x16, i32x4, i32x8};

use super::{Group, Pair, Simd, Unit};

/// Added to a float in 0..2^16, this moves its rounded integer part into the lower 16 bits of the float's
/// representation: a conversion in one addition.
const TO_INTEGER: f32 = (1 << 23) as f32;

/// Two registers of four lanes, with the compilation's instructions.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    const GROUPS: usize = 1;
    const PANEL: usize = 1;
    const MANY_REGISTERS: bool = false;
    const POSITIONS: usize = 2;

    type Single = Self;
    type Integers = [i32x4; 2];
    type Floats = [f32x4; 2];

    #[inline(always)]
    fn single(self) -> Self {
        self
    }

    #[inline(always)]
    fn load(self, groups: &[Group]) -> Self::Integers {
        cast(groups[0])
    }

    #[inline(always)]
    fn store(self, integers: Self::Integers, groups: &mut [Group]) {
        groups[0] = cast(integers);
    }

    #[inline(always)]
    fn store_saturated(self, integers: Self::Integers, groups: &mut [[Unit; 4]]) {
        groups[0] = cast(i16x8::from_i32x8_saturate(cast::<_, i32x8>(integers)));
    }

    #[inline(always)]
    fn store_bytes(self, integers: Self::Integers, groups: &mut [[Unit; 2]]) {
        let halves = i16x8::from_i32x8_saturate(cast::<_, i32x8>(integers));
        let bytes = i8x16::from_i16x16_saturate(cast::<_, i16x16>([halves; 2]));
        let [bytes, _]: [[Unit; 2]; 2] = cast(bytes);
        groups[0] = bytes;
    }

    #[inline(always)]
    fn splat(self, pair: Pair) -> Self::Integers {
        [i32x4::splat(pair); 2]
    }

    #[inline(always)]
    fn add_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        let product = |half: usize| cast::<_, i16x8>(left[half]).dot(cast(right[half]));
        [sums[0] + product(0), sums[1] + product(1)]
    }

    #[inline(always)]
    fn add_byte_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        let sum = |half: usize| add_byte_products(sums[half], left[half], right[half]);
        [sum(0), sum(1)]
    }

    #[inline(always)]
    fn pair_up(self, left: Self::Integers, right: Self::Integers) -> Self::Integers {
        if cfg!(target_endian = "little") {
            [left[0] | (right[0] << 16), left[1] | (right[1] << 16)]
        } else {
            [(left[0] << 16) | right[0], (left[1] << 16) | right[1]]
        }
    }

    #[inline(always)]
    fn load_floats(self, groups: &[[f32; 8]]) -> Self::Floats {
        cast(groups[0])
    }

    #[inline(always)]
    fn store_floats(self, floats: Self::Floats, groups: &mut [[f32; 8]]) {
        groups[0] = cast(floats);
    }

    #[inline(always)]
    fn splat_float(self, value: f32) -> Self::Floats {
        [f32x4::splat(value); 2]
    }

    #[inline(always)]
    fn to_floats(self, integers: Self::Integers) -> Self::Floats {
        integers.map(f32x4::from_i32x4)
    }

    #[inline(always)]
    fn multiply(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        [left[0] * right[0], left[1] * right[1]]
    }

    #[inline(always)]
    fn add(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        [left[0] + right[0], left[1] + right[1]]
    }

    #[inline(always)]
    fn max(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        [left[0].fast_max(right[0]), left[1].fast_max(right[1])]
    }

    #[inline(always)]
    fn min(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        [left[0].fast_min(right[0]), left[1].fast_min(right[1])]
    }

    #[inline(always)]
    fn round(self, floats: Self::Floats) -> Self::Integers {
        floats.map(f32x4::fast_round_int)
    }

    #[inline(always)]
    fn round_hidden(self, floats: Self::Floats) -> Self::Integers {
        let upper = i32x4::splat(TO_INTEGER.to_bits() as i32);
        floats.map(|floats| cast::<_, i32x4>(floats + f32x4::splat(TO_INTEGER)) - upper)
    }
}

/// See [`Simd::add_byte_products`].
#[cfg(all(target_arch = "wasm32", feature = "relaxed-simd"))]
#[inline(always)]
fn add_byte_products(sums: i32x4, left: i32x4, right: i32x4) -> i32x4 {
    use std::arch::wasm32::i32x4_relaxed_dot_i8x16_i7x16_add as dot;
    cast(dot(cast(left), cast(right), cast(sums)))
}

/// See [`Simd::add_byte_products`]. Without an instruction for it, no level multiplies bytes; see
/// [`Level::narrow`](super::Level::narrow).
#[cfg(not(all(target_arch = "wasm32", feature = "relaxed-simd")))]
#[inline(always)]
fn add_byte_products(sums: i32x4, left: i32x4, right: i32x4) -> i32x4 {
    let [left, right] = [left, right].map(cast::<_, [[i8; 4]; 4]>);
    let products = |lane: usize| -> i32 {
        let factors = left[lane].into_iter().zip(right[lane]);
        factors.map(|(left, right)| i32::from(left) * i32::from(right)).sum()
    };
    sums + i32x4::new(std::array::from_fn(products))
}
