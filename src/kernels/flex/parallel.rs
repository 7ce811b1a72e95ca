//! Work on all cores with the feature `rayon`, otherwise on one.

/// Calls `work` for each item with its index. Items that one thread takes in sequence share a `scratch`.
pub(super) fn for_each<T: Send, S>(
    items: Vec<T>,
    scratch: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, T) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        let items = items.into_par_iter().enumerate();
        items.for_each_init(scratch, |scratch, (index, item)| work(scratch, index, item));
    }
    #[cfg(not(feature = "rayon"))]
    {
        let mut scratch = scratch();
        let items = items.into_iter().enumerate();
        items.for_each(|(index, item)| work(&mut scratch, index, item));
    }
}

/// Adds `values` to `sums`.
#[cfg(feature = "autodiff")]
pub(super) fn add(sums: &mut [f32], values: &[f32]) {
    const CHUNK: usize = 1 << 14;
    let add = |sums: &mut [f32], values: &[f32]| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    };
    if sums.len() <= CHUNK {
        return add(sums, values); // waking another core takes longer
    }
    let chunks = sums.chunks_mut(CHUNK).zip(values.chunks(CHUNK)).collect();
    for_each(chunks, || (), |(), _, (sums, values)| add(sums, values));
}
