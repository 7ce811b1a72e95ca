//! AVX2: a register is one group.

use bytemuck::cast;
use pulp::x86::V3;
use std::arch::x86_64::{__m256, __m256i};

use super::{Group, Pair, Simd, Unit};

impl Simd for V3 {
    const GROUPS: usize = 1;
    const PANEL: usize = 2;
    const MANY_REGISTERS: bool = false;
    const POSITIONS: usize = 4;

    type Single = Self;
    type Integers = __m256i;
    type Floats = __m256;

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
        let low = self.avx._mm256_castsi256_si128(integers);
        let high = self.avx2._mm256_extracti128_si256::<1>(integers);
        groups[0] = cast(self.sse2._mm_packs_epi32(low, high));
    }

    #[inline(always)]
    fn store_bytes(self, integers: Self::Integers, groups: &mut [[Unit; 2]]) {
        let low = self.avx._mm256_castsi256_si128(integers);
        let high = self.avx2._mm256_extracti128_si256::<1>(integers);
        let halves = self.sse2._mm_packs_epi32(low, high);
        let [bytes, _]: [[Unit; 2]; 2] = cast(self.sse2._mm_packus_epi16(halves, halves));
        groups[0] = bytes;
    }

    #[inline(always)]
    fn splat(self, pair: Pair) -> Self::Integers {
        self.avx._mm256_set1_epi32(pair)
    }

    #[inline(always)]
    fn add_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(left, right))
    }

    #[inline(always)]
    fn add_byte_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        // Two products of 7 and 8 bits fit 16 bits.
        let pairs = self.avx2._mm256_maddubs_epi16(right, left);
        let ones = self.avx._mm256_set1_epi16(1);
        self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(pairs, ones))
    }

    #[inline(always)]
    fn pair_up(self, left: Self::Integers, right: Self::Integers) -> Self::Integers {
        self.avx2._mm256_or_si256(left, self.avx2._mm256_slli_epi32::<16>(right))
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
        self.avx._mm256_set1_ps(value)
    }

    #[inline(always)]
    fn to_floats(self, integers: Self::Integers) -> Self::Floats {
        self.avx._mm256_cvtepi32_ps(integers)
    }

    #[inline(always)]
    fn multiply(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx._mm256_mul_ps(left, right)
    }

    #[inline(always)]
    fn add(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx._mm256_add_ps(left, right)
    }

    #[inline(always)]
    fn max(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx._mm256_max_ps(left, right)
    }

    #[inline(always)]
    fn min(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx._mm256_min_ps(left, right)
    }

    #[inline(always)]
    fn round(self, floats: Self::Floats) -> Self::Integers {
        self.avx._mm256_cvtps_epi32(floats)
    }

    #[inline(always)]
    fn round_hidden(self, floats: Self::Floats) -> Self::Integers {
        self.round(floats)
    }
}
