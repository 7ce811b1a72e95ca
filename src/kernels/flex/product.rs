//! Matrix products over plain slices on one core, for 1x1 convolutions and their gradients.
//!
//! Burn's product cannot add to an existing matrix. It also allocates its result twice, clears it and copies it
//! on one core, which took longer than the multiplication.
#![cfg_attr(not(feature = "autodiff"), allow(dead_code))] // only gradients transpose and add

/// A view of a matrix in a slice.
#[derive(Clone, Copy)]
pub(super) struct MatrixView<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// Distances between vertical and between horizontal neighbours.
    strides: [usize; 2],
}

impl<'a> MatrixView<'a> {
    /// Views row-major values as a matrix with `columns` columns.
    ///
    /// # Panics
    /// If the values do not fill whole rows.
    pub(super) fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "{} values do not fill rows of {columns}",
            values.len()
        );
        Self { values, rows: values.len() / columns, columns, strides: [columns, 1] }
    }

    /// Returns the transposed view of the same values.
    pub(super) fn transposed(self) -> Self {
        let [vertical, horizontal] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [horizontal, vertical], ..self }
    }
}

/// Whether a product replaces its output or is added to it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Accumulate {
    Replace,
    Add,
}

/// Computes `output = a b` or `output += a b`; the output is `[a.rows, b.columns]`, row-major.
///
/// # Panics
/// If the sizes do not match.
#[allow(unsafe_code)] // the kernels take raw pointers; the assertions keep them within their slices
pub(super) fn multiply(
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    accumulate: Accumulate,
    output: &mut [f32],
) {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product differ");
    assert_eq!(output.len(), a.rows * b.columns, "the output of a product has another size");
    assert_eq!(a.values.len(), a.rows * a.columns);
    assert_eq!(b.values.len(), b.rows * b.columns);
    let stride = |stride: usize| stride as isize;
    // SAFETY: element (i, j) of a view lies at `i * strides[0] + j * strides[1]`. For either order of the
    // strides, that is at most `rows * columns - 1`, which is within the slice by the assertions above. The
    // output is borrowed mutably, so it does not overlap the inputs.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            output.as_mut_ptr(),
            1,
            stride(b.columns),
            accumulate == Accumulate::Add,
            a.values.as_ptr(),
            stride(a.strides[1]),
            stride(a.strides[0]),
            b.values.as_ptr(),
            stride(b.strides[1]),
            stride(b.strides[0]),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whole numbers, so that sums are exact in any order.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7 + seed * 13) % 11) as f32 - 5.0).collect()
    }

    fn check(rows: usize, inner: usize, columns: usize) {
        let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
        let initial = numbers(rows * columns, 3);
        let mut expected = initial.clone();
        for (index, sum) in expected.iter_mut().enumerate() {
            let (row, column) = (index / columns, index % columns);
            *sum += (0..inner).map(|k| a[row * inner + k] * b[k * columns + column]).sum::<f32>();
        }
        let (a, b) = (MatrixView::new(&a, inner), MatrixView::new(&b, columns));
        let mut sum = initial.clone();
        multiply(a, b, Accumulate::Add, &mut sum);
        assert_eq!(sum, expected, "{rows} x {inner} x {columns}");

        // (a b)' = b' a', without the initial values.
        let mut product = vec![f32::NAN; rows * columns];
        multiply(b.transposed(), a.transposed(), Accumulate::Replace, &mut product);
        for (index, sum) in expected.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            assert_eq!(product[column * rows + row], sum - initial[index]);
        }
    }

    #[test]
    fn products_of_any_size_match_their_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (16, 40, 24), (33, 17, 65), (1, 64, 7)]
        {
            check(rows, inner, columns);
        }
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn rejects_matrices_whose_inner_sizes_differ() {
        multiply(
            MatrixView::new(&[1.0; 6], 3),
            MatrixView::new(&[1.0; 4], 2),
            Accumulate::Replace,
            &mut [0.0; 4],
        );
    }

    #[test]
    #[should_panic(expected = "another size")]
    fn rejects_an_output_that_is_too_small() {
        multiply(
            MatrixView::new(&[1.0; 6], 3),
            MatrixView::new(&[1.0; 6], 2),
            Accumulate::Replace,
            &mut [0.0; 3],
        );
    }
}
