//! The baseline: 128-bit instructions for which the crate is compiled. The browser's level.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4, i32x8};

use super::{Group, Pair, Simd};

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
    fn store_saturated(self, integers: Self::Integers, groups: &mut [[Pair; 4]]) {
        groups[0] = cast(i16x8::from_i32x8_saturate(cast::<_, i32x8>(integers)));
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
    fn abs(self, floats: Self::Floats) -> Self::Floats {
        floats.map(f32x4::abs)
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
