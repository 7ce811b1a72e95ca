//! Matrix products over plain slices on one core, for 1x1 convolutions and their gradients.
//!
//! Burn's product cannot add to an existing matrix. It also allocates its result twice, clears it and copies it
//! on one core, which took longer than the multiplication.

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

    /// Views the first `columns` values of each row of a row-major matrix whose rows are `stride` values apart.
    ///
    /// # Panics
    /// If `columns` is 0 or larger than `stride`, or if there is no whole row.
    pub(super) fn columns(values: &'a [f32], columns: usize, stride: usize) -> Self {
        let rows = rows(values.len(), columns, stride);
        Self { values, rows, columns, strides: [stride, 1] }
    }

    /// Returns the transposed view of the same values.
    #[cfg(any(feature = "autodiff", test))] // only gradients transpose
    pub(super) fn transposed(self) -> Self {
        let [vertical, horizontal] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [horizontal, vertical], ..self }
    }

    /// Returns the number of values from the first to the last element.
    fn extent(&self) -> usize {
        let [vertical, horizontal] = self.strides;
        (self.rows - 1) * vertical + (self.columns - 1) * horizontal + 1
    }
}

/// A row-major matrix that a product is written to.
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Views the first `columns` values of each row of a row-major matrix whose rows are `stride` values apart.
    ///
    /// # Panics
    /// If `columns` is 0 or larger than `stride`, or if there is no whole row.
    pub(super) fn columns(values: &'a mut [f32], columns: usize, stride: usize) -> Self {
        let rows = rows(values.len(), columns, stride);
        Self { values, rows, columns, stride }
    }
}

/// Returns the number of rows of `columns` values, `stride` values apart, in a slice of length `length`.
fn rows(length: usize, columns: usize, stride: usize) -> usize {
    assert!((1..=stride).contains(&columns), "{columns} columns do not fit rows of {stride}");
    assert!(columns <= length, "{length} values hold no row of {columns}");
    (length - columns) / stride + 1
}

/// Whether a product replaces its output or is added to it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Accumulate {
    Replace,
    Add,
}

/// Computes `output = a b` or `output += a b`.
///
/// # Panics
/// If the sizes do not match.
#[allow(unsafe_code)] // the kernels take raw pointers; the assertions keep them within their slices
pub(super) fn multiply(
    a: MatrixView<'_>,
    b: MatrixView<'_>,
    accumulate: Accumulate,
    output: MatrixMut<'_>,
) {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product differ");
    let size = [output.rows, output.columns];
    assert_eq!(size, [a.rows, b.columns], "the output of a product has another size");
    assert!(a.extent() <= a.values.len() && b.extent() <= b.values.len());
    assert!((output.rows - 1) * output.stride + output.columns <= output.values.len());
    let stride = |stride: usize| stride as isize;
    // SAFETY: element (i, j) of a view lies at `i * strides[0] + j * strides[1]`, which is largest for the last
    // row and column, and there within the slice by the assertions above. The output is borrowed mutably, so it
    // does not overlap the inputs.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            output.values.as_mut_ptr(),
            1, // the output's column stride
            stride(output.stride),
            accumulate == Accumulate::Add, // whether to read the output
            a.values.as_ptr(),
            stride(a.strides[1]),
            stride(a.strides[0]),
            b.values.as_ptr(),
            stride(b.strides[1]),
            stride(b.strides[0]),
            1.0,   // factor of the output
            1.0,   // factor of the product
            false, // conjugate the output
            false, // conjugate a
            false, // conjugate b
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
        multiply(a, b, Accumulate::Add, MatrixMut::columns(&mut sum, columns, columns));
        assert_eq!(sum, expected, "{rows} x {inner} x {columns}");

        // (a b)' = b' a', without the initial values, into some columns of a wider matrix.
        let mut product = vec![f32::NAN; columns * (rows + 2)];
        let output = MatrixMut::columns(&mut product[1..], rows, rows + 2);
        multiply(b.transposed(), a.transposed(), Accumulate::Replace, output);
        for (index, sum) in expected.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            assert_eq!(product[column * (rows + 2) + 1 + row], sum - initial[index]);
        }
        assert!(product.iter().step_by(rows + 2).all(|value| value.is_nan()));
    }

    #[test]
    fn products_of_any_size_match_their_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (16, 40, 24), (33, 17, 65), (1, 64, 7)]
        {
            check(rows, inner, columns);
        }
    }

    #[test]
    fn multiplies_some_columns_of_a_matrix() {
        let values = numbers(12, 1);
        let view = MatrixView::columns(&values[1..], 2, 4); // columns 1 and 2 of 3 x 4
        let mut product = [0.0; 3];
        let ones = [1.0; 2];
        let output = MatrixMut::columns(&mut product, 1, 1);
        multiply(view, MatrixView::new(&ones, 1), Accumulate::Replace, output);
        assert_eq!(
            product.to_vec(),
            values.chunks(4).map(|row| row[1] + row[2]).collect::<Vec<_>>()
        );
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn rejects_matrices_whose_inner_sizes_differ() {
        multiply(
            MatrixView::new(&[1.0; 6], 3),
            MatrixView::new(&[1.0; 4], 2),
            Accumulate::Replace,
            MatrixMut::columns(&mut [0.0; 4], 2, 2),
        );
    }

    #[test]
    #[should_panic(expected = "another size")]
    fn rejects_an_output_that_is_too_small() {
        multiply(
            MatrixView::new(&[1.0; 6], 3),
            MatrixView::new(&[1.0; 6], 2),
            Accumulate::Replace,
            MatrixMut::columns(&mut [0.0; 3], 2, 2),
        );
    }
}
