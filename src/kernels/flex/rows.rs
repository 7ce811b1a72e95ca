//! Work on the rows of a matrix, such as a map with its channels last: bias, activation and their gradients.

use pulp::Arch;

/// Adds the bias to each row and clamps to `limits`.
pub(super) fn activate(arch: Arch, values: &mut [f32], bias: &[f32], [low, high]: [f32; 2]) {
    arch.dispatch(
        #[inline(always)]
        || {
            for row in values.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    // Unlike `max` and `min`, `clamp` compiles to SIMD in wasm: it lets NaN pass.
                    *value = (*value + bias).clamp(low, high);
                }
            }
        },
    );
}

/// Adds the bias to each row, multiplies by `scale` and adds `x`.
pub(super) fn finish(arch: Arch, y: &mut [f32], bias: &[f32], scale: f32, x: Option<&[f32]>) {
    arch.dispatch(
        #[inline(always)]
        || {
            for row in y.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(value, bias)| *value = (*value + bias) * scale);
            }
            if let Some(x) = x {
                y.iter_mut().zip(x).for_each(|(value, x)| *value += x);
            }
        },
    );
}

/// Adds the rows of a matrix to `sums`.
#[cfg(feature = "autodiff")]
pub(super) fn add_rows(arch: Arch, values: &[f32], sums: &mut [f32]) {
    arch.dispatch(
        #[inline(always)]
        || {
            for row in values.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        },
    );
}

/// Sets the gradient to 0 where the output `y` was clamped, and adds its rows to `sums`.
#[cfg(feature = "autodiff")]
pub(super) fn through_relu6(arch: Arch, gradient: &mut [f32], y: &[f32], sums: &mut [f32]) {
    arch.dispatch(
        #[inline(always)]
        || {
            let rows = gradient.chunks_exact_mut(sums.len()).zip(y.chunks_exact(sums.len()));
            for (gradient, y) in rows {
                for ((gradient, y), sum) in gradient.iter_mut().zip(y).zip(sums.iter_mut()) {
                    *gradient = if *y > 0.0 && *y < 6.0 { *gradient } else { 0.0 };
                    *sum += *gradient;
                }
            }
        },
    );
}

/// Returns the transpose of a matrix with rows of `columns` values; its rows are padded with zeros to `length`.
pub(super) fn transposed(values: &[f32], columns: usize, length: usize) -> Vec<f32> {
    let mut transposed = vec![0.0; columns * length];
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (column, value) in values.iter().enumerate() {
            transposed[column * length + row] = *value;
        }
    }
    transposed
}
