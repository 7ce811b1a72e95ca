//! Work on the rows of a matrix, such as a map with its channels last: bias, activation and their gradients.

use pulp::Arch;

/// Values that are treated together. Loops of a fixed length compile to SIMD without a remainder, which would be most of
/// a short row.
const BLOCK: usize = 16;

/// Adds the bias to each row and clamps to `limits`.
pub(super) fn activate(arch: Arch, values: &mut [f32], bias: &[f32], [low, high]: [f32; 2]) {
    arch.dispatch(
        #[inline(always)]
        || {
            for row in values.chunks_exact_mut(bias.len()) {
                // Unlike `max` and `min`, `clamp` compiles to SIMD in wasm: it lets NaN pass.
                update(row, bias, |value, bias| (value + bias).clamp(low, high));
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
                update(row, bias, |value, bias| (value + bias) * scale);
            }
            if let Some(x) = x {
                update(y, x, |value, x| value + x);
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
                update(sums, row, |sum, value| sum + value);
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
                update(gradient, y, |gradient, y| if y > 0.0 && y < 6.0 { gradient } else { 0.0 });
                update(sums, gradient, |sum, gradient| sum + gradient);
            }
        },
    );
}

/// Replaces each value by a function of it and the value at the same place in `others`.
#[inline(always)]
fn update(values: &mut [f32], others: &[f32], function: impl Fn(f32, f32) -> f32) {
    let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
    let (other_blocks, other_rest) = others.as_chunks::<BLOCK>();
    for (block, others) in blocks.iter_mut().zip(other_blocks) {
        for (value, other) in block.iter_mut().zip(others) {
            *value = function(*value, *other);
        }
    }
    for (value, other) in rest.iter_mut().zip(other_rest) {
        *value = function(*value, *other);
    }
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
