//! Work on the rows of a matrix, such as a map with its channels last: bias, activation and their gradients.
//!
//! The SIMD is written by hand: compilers turned the same loops into scalar code and gathers.

use pulp::{Arch, Simd, WithSimd};

/// The range to which ReLU6 clamps.
pub(super) const RELU6: [f32; 2] = [0.0, 6.0];

/// Adds the bias to each row and clamps to `limits`.
pub(super) fn activate(arch: Arch, values: &mut [f32], bias: &[f32], limits: [f32; 2]) {
    struct Activate<'a>(&'a mut [f32], &'a [f32], [f32; 2]);

    impl WithSimd for Activate<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(values, bias, limits) = self;
            let [low, high] = limits.map(|limit| simd.splat_f32s(limit));
            for row in values.chunks_exact_mut(bias.len()) {
                update(simd, row, bias, |value, bias| {
                    clamp(simd, simd.add_f32s(value, bias), [low, high])
                });
            }
        }
    }

    arch.dispatch(Activate(values, bias, limits));
}

/// Adds the bias to each row, multiplies by `scale` and adds `x`.
pub(super) fn finish(arch: Arch, y: &mut [f32], bias: &[f32], scale: f32, x: Option<&[f32]>) {
    struct Finish<'a>(&'a mut [f32], &'a [f32], f32, Option<&'a [f32]>);

    impl WithSimd for Finish<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(y, bias, scale, x) = self;
            let scale = simd.splat_f32s(scale);
            for row in y.chunks_exact_mut(bias.len()) {
                update(simd, row, bias, |value, bias| {
                    simd.mul_f32s(simd.add_f32s(value, bias), scale)
                });
            }
            if let Some(x) = x {
                update(simd, y, x, |value, x| simd.add_f32s(value, x));
            }
        }
    }

    arch.dispatch(Finish(y, bias, scale, x));
}

/// Adds the rows of a matrix to `sums`.
#[cfg(feature = "autodiff")]
pub(super) fn add_rows(arch: Arch, values: &[f32], sums: &mut [f32]) {
    struct AddRows<'a>(&'a [f32], &'a mut [f32]);

    impl WithSimd for AddRows<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(values, sums) = self;
            for row in values.chunks_exact(sums.len()) {
                update(simd, sums, row, |sum, value| simd.add_f32s(sum, value));
            }
        }
    }

    arch.dispatch(AddRows(values, sums));
}

/// Sets the gradient to 0 where the output `y` was clamped, and adds its rows to `sums`.
#[cfg(feature = "autodiff")]
pub(super) fn through_relu6(arch: Arch, gradient: &mut [f32], y: &[f32], sums: &mut [f32]) {
    struct ThroughRelu6<'a>(&'a mut [f32], &'a [f32], &'a mut [f32]);

    impl WithSimd for ThroughRelu6<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(gradient, y, sums) = self;
            let limits = RELU6.map(|limit| simd.splat_f32s(limit));
            let rows = gradient.chunks_exact_mut(sums.len()).zip(y.chunks_exact(sums.len()));
            for (gradient, y) in rows {
                update(simd, gradient, y, |gradient, y| where_inside(simd, gradient, y, limits));
                update(simd, sums, gradient, |sum, gradient| simd.add_f32s(sum, gradient));
            }
        }
    }

    arch.dispatch(ThroughRelu6(gradient, y, sums));
}

/// Clamps to `low..=high`. NaN stays NaN, so that a training that diverges shows in its loss; the instructions for minimum
/// and maximum treat it differently from one machine to the next.
#[inline(always)]
pub(super) fn clamp<S: Simd>(simd: S, value: S::f32s, [low, high]: [S::f32s; 2]) -> S::f32s {
    let value = simd.select_f32s(simd.less_than_f32s(value, low), low, value);
    simd.select_f32s(simd.less_than_f32s(high, value), high, value)
}

/// Returns the gradient where `y` lies between the limits to which it was clamped, and 0 elsewhere.
#[cfg(feature = "autodiff")]
#[inline(always)]
pub(super) fn where_inside<S: Simd>(
    simd: S,
    gradient: S::f32s,
    y: S::f32s,
    [low, high]: [S::f32s; 2],
) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let below = simd.select_f32s(simd.less_than_f32s(y, high), gradient, zero);
    simd.select_f32s(simd.less_than_f32s(low, y), below, zero)
}

/// Replaces each value by a function of it and the value at the same place in `others`.
#[inline(always)]
fn update<S: Simd>(
    simd: S,
    values: &mut [f32],
    others: &[f32],
    function: impl Fn(S::f32s, S::f32s) -> S::f32s,
) {
    let (registers, rest) = S::as_mut_simd_f32s(values);
    let (others, other_rest) = S::as_simd_f32s(others);
    for (value, other) in registers.iter_mut().zip(others) {
        *value = function(*value, *other);
    }
    if !rest.is_empty() {
        let [value, other] = [&*rest, other_rest].map(|rest| simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest, function(value, other));
    }
}

/// Rows and columns of a square that the transposition copies at a time: 16 floats are a line of the cache.
const SQUARE: usize = 16;

/// Returns the transpose of a matrix with rows of `columns` values; its rows are padded with zeros to `length`.
pub(super) fn transposed(values: &[f32], columns: usize, length: usize) -> Vec<f32> {
    let mut transposed = vec![0.0; columns * length];
    for (band, rows) in values.chunks(SQUARE * columns).enumerate() {
        for first in (0..columns).step_by(SQUARE) {
            let width = SQUARE.min(columns - first);
            for (row, values) in rows.chunks_exact(columns).enumerate() {
                let row = band * SQUARE + row;
                for (column, value) in values[first..first + width].iter().enumerate() {
                    transposed[(first + column) * length + row] = *value;
                }
            }
        }
    }
    transposed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a register of any kind, and no multiple of one.
    const LENGTH: usize = 37;

    #[test]
    fn activates_every_value_of_every_row() {
        let bias: Vec<f32> = (0..LENGTH).map(|index| index as f32 / 4.0).collect();
        let mut values = vec![-2.0; 2 * LENGTH];
        values[LENGTH + 3] = f32::NAN;
        activate(Arch::new(), &mut values, &bias, RELU6);
        for (index, value) in values.iter().enumerate() {
            match index {
                index if index == LENGTH + 3 => {
                    assert!(value.is_nan(), "NaN must not become {value}")
                }
                index => assert_eq!(*value, (bias[index % LENGTH] - 2.0).clamp(0.0, 6.0)),
            }
        }
    }

    #[test]
    fn transposes_and_pads_a_matrix_of_any_size() {
        for (rows, columns) in [(1, 1), (2, 3), (16, 16), (17, 40), (LENGTH, 5)] {
            let values: Vec<f32> = (1..=rows * columns).map(|value| value as f32).collect();
            let length = rows + 2;
            let transposed = transposed(&values, columns, length);
            assert_eq!(transposed.len(), columns * length);
            for (index, value) in transposed.iter().enumerate() {
                let (column, row) = (index / length, index % length);
                let expected = if row < rows { values[row * columns + column] } else { 0.0 };
                assert_eq!(*value, expected, "row {row}, column {column} of {rows} x {columns}");
            }
        }
    }

    #[cfg(feature = "autodiff")]
    #[test]
    fn clamped_outputs_have_no_gradient() {
        let y: Vec<f32> = (0..LENGTH).map(|index| [0.0, 3.0, 6.0][index % 3]).collect();
        let mut gradient = vec![2.0; LENGTH];
        let mut sums = vec![1.0; LENGTH];
        through_relu6(Arch::new(), &mut gradient, &y, &mut sums);
        for (index, gradient) in gradient.iter().enumerate() {
            assert_eq!(*gradient, if index % 3 == 1 { 2.0 } else { 0.0 });
            assert_eq!(sums[index], 1.0 + gradient);
        }
    }
}
