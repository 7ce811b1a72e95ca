//! AVX-512: a register is two groups.

use bytemuck::cast;
use pulp::x86::{V3, V4};
use std::arch::x86_64::{__m512, __m512i};

use super::{Group, Pair, Simd, Unit};

pulp::simd_type! {
    /// AVX-512 with VNNI. In code compiled for it, the compiler merges a multiplication of pairs and the addition of
    /// its result into one instruction.
    pub struct Vnni {
        sse: "sse",
        sse2: "sse2",
        fxsr: "fxsr",
        sse3: "sse3",
        ssse3: "ssse3",
        sse4_1: "sse4.1",
        sse4_2: "sse4.2",
        popcnt: "popcnt",
        avx: "avx",
        avx2: "avx2",
        bmi1: "bmi1",
        bmi2: "bmi2",
        fma: "fma",
        lzcnt: "lzcnt",
        avx512f: "avx512f",
        avx512bw: "avx512bw",
        avx512cd: "avx512cd",
        avx512dq: "avx512dq",
        avx512vl: "avx512vl",
        avx512vnni: "avx512vnni",
    }
}

impl Vnni {
    /// Returns the instructions without VNNI.
    #[inline(always)]
    pub(super) fn v4(self) -> V4 {
        V4 {
            sse: self.sse,
            sse2: self.sse2,
            fxsr: self.fxsr,
            sse3: self.sse3,
            ssse3: self.ssse3,
            sse4_1: self.sse4_1,
            sse4_2: self.sse4_2,
            popcnt: self.popcnt,
            avx: self.avx,
            avx2: self.avx2,
            bmi1: self.bmi1,
            bmi2: self.bmi2,
            fma: self.fma,
            lzcnt: self.lzcnt,
            avx512f: self.avx512f,
            avx512bw: self.avx512bw,
            avx512cd: self.avx512cd,
            avx512dq: self.avx512dq,
            avx512vl: self.avx512vl,
        }
    }
}

impl Simd for V4 {
    const GROUPS: usize = 2;
    const PANEL: usize = 2;
    const MANY_REGISTERS: bool = true;
    const POSITIONS: usize = 4;

    type Single = V3;
    type Integers = __m512i;
    type Floats = __m512;

    #[inline(always)]
    fn single(self) -> V3 {
        *self
    }

    #[inline(always)]
    fn load(self, groups: &[Group]) -> Self::Integers {
        cast(groups.as_chunks::<2>().0[0])
    }

    #[inline(always)]
    fn store(self, integers: Self::Integers, groups: &mut [Group]) {
        groups.as_chunks_mut::<2>().0[0] = cast(integers);
    }

    #[inline(always)]
    fn store_saturated(self, integers: Self::Integers, groups: &mut [[Unit; 4]]) {
        let halves = self.avx512f._mm512_cvtsepi32_epi16(integers);
        groups.as_chunks_mut::<2>().0[0] = cast(halves);
    }

    #[inline(always)]
    fn store_bytes(self, integers: Self::Integers, groups: &mut [[Unit; 2]]) {
        groups.as_chunks_mut::<2>().0[0] = cast(self.avx512f._mm512_cvtepi32_epi8(integers));
    }

    #[inline(always)]
    fn splat(self, pair: Pair) -> Self::Integers {
        self.avx512f._mm512_set1_epi32(pair)
    }

    #[inline(always)]
    fn add_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        self.avx512f._mm512_add_epi32(sums, self.avx512bw._mm512_madd_epi16(left, right))
    }

    #[inline(always)]
    fn add_byte_products(
        self,
        sums: Self::Integers,
        left: Self::Integers,
        right: Self::Integers,
    ) -> Self::Integers {
        // Two products of 7 and 8 bits fit 16 bits.
        let pairs = self.avx512bw._mm512_maddubs_epi16(right, left);
        let ones = self.avx512f._mm512_set1_epi16(1);
        self.avx512f._mm512_add_epi32(sums, self.avx512bw._mm512_madd_epi16(pairs, ones))
    }

    #[inline(always)]
    fn pair_up(self, left: Self::Integers, right: Self::Integers) -> Self::Integers {
        self.avx512f._mm512_or_si512(left, self.avx512f._mm512_slli_epi32::<16>(right))
    }

    #[inline(always)]
    fn load_floats(self, groups: &[[f32; 8]]) -> Self::Floats {
        cast(groups.as_chunks::<2>().0[0])
    }

    #[inline(always)]
    fn store_floats(self, floats: Self::Floats, groups: &mut [[f32; 8]]) {
        groups.as_chunks_mut::<2>().0[0] = cast(floats);
    }

    #[inline(always)]
    fn splat_float(self, value: f32) -> Self::Floats {
        self.avx512f._mm512_set1_ps(value)
    }

    #[inline(always)]
    fn to_floats(self, integers: Self::Integers) -> Self::Floats {
        self.avx512f._mm512_cvtepi32_ps(integers)
    }

    #[inline(always)]
    fn multiply(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx512f._mm512_mul_ps(left, right)
    }

    #[inline(always)]
    fn add(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx512f._mm512_add_ps(left, right)
    }

    #[inline(always)]
    fn max(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx512f._mm512_max_ps(left, right)
    }

    #[inline(always)]
    fn min(self, left: Self::Floats, right: Self::Floats) -> Self::Floats {
        self.avx512f._mm512_min_ps(left, right)
    }

    #[inline(always)]
    fn round(self, floats: Self::Floats) -> Self::Integers {
        self.avx512f._mm512_cvtps_epi32(floats)
    }

    #[inline(always)]
    fn round_hidden(self, floats: Self::Floats) -> Self::Integers {
        self.round(floats)
    }
}
