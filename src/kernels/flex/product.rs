//! Products of matrices that lie in plain slices, on one core: what 1x1 convolutions and their gradients are made
//! of. Burn's own product reserves the memory of its result twice, clears it and copies it, on one core, which took
//! longer than multiplying; and it has no way to add to a sum.
#![cfg_attr(not(feature = "autodiff"), allow(dead_code))] // only gradients transpose and add

/// A matrix, row by row.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From an element to the one below and to the one on its right.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// The values of a matrix with as many rows as they fill.
    pub(super) fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns), "rows of different length");
        Self { values, rows: values.len() / columns, columns, strides: [columns, 1] }
    }

    /// The same values with rows for columns.
    pub(super) fn transposed(self) -> Self {
        let [down, right] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [right, down], ..self }
    }
}

/// What happens to the values where a product is written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Accum {
    Replace,
    Add,
}

/// `output = a b` or `output += a b`; the output is `[a.rows, b.columns]`, row by row.
#[allow(unsafe_code)] // The kernels take pointers; that these stay within their slices is asserted in front.
pub(super) fn multiply(a: Matrix<'_>, b: Matrix<'_>, accum: Accum, output: &mut [f32]) {
    assert_eq!(a.columns, b.rows, "a product of matrices that do not fit");
    assert_eq!(output.len(), a.rows * b.columns, "a product of another size than its place");
    assert_eq!(a.values.len(), a.rows * a.columns);
    assert_eq!(b.values.len(), b.rows * b.columns);
    let stride = |stride: usize| stride as isize;
    // SAFETY: an element (i, j) of a matrix lies at `i * strides[0] + j * strides[1]`, which for either order of the
    // two strides is at most `rows * columns - 1`: within the slice, by the assertions above. The output is a slice
    // of its own that nobody else may look at.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            output.as_mut_ptr(),
            1,
            stride(b.columns),
            accum == Accum::Add,
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

    /// Whole numbers, so that sums are exact in any order.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7 + seed * 13) % 11) as f32 - 5.0).collect()
    }

    fn check(rows: usize, inner: usize, columns: usize) {
        let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
        let mut expected = numbers(rows * columns, 3);
        let place = expected.clone();
        for (index, sum) in expected.iter_mut().enumerate() {
            let (row, column) = (index / columns, index % columns);
            *sum += (0..inner).map(|k| a[row * inner + k] * b[k * columns + column]).sum::<f32>();
        }
        let (a, b) = (Matrix::new(&a, inner), Matrix::new(&b, columns));
        let mut sum = place.clone();
        multiply(a, b, Accum::Add, &mut sum);
        assert_eq!(sum, expected, "{rows} x {inner} x {columns}");

        // (a b)' = b' a', and without what was in the way.
        let mut product = vec![f32::NAN; rows * columns];
        multiply(b.transposed(), a.transposed(), Accum::Replace, &mut product);
        for (index, sum) in expected.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            assert_eq!(product[column * rows + row], sum - place[index]);
        }
    }

    #[test]
    fn products_of_any_size_are_the_sums_that_define_them() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (16, 40, 24), (33, 17, 65), (1, 64, 7)]
        {
            check(rows, inner, columns);
        }
    }

    #[test]
    #[should_panic(expected = "do not fit")]
    fn matrices_that_do_not_fit_are_refused() {
        multiply(
            Matrix::new(&[1.0; 6], 3),
            Matrix::new(&[1.0; 4], 2),
            Accum::Replace,
            &mut [0.0; 4],
        );
    }

    #[test]
    #[should_panic(expected = "another size")]
    fn a_place_that_is_too_small_is_refused() {
        multiply(
            Matrix::new(&[1.0; 6], 3),
            Matrix::new(&[1.0; 6], 2),
            Accum::Replace,
            &mut [0.0; 3],
        );
    }
}
