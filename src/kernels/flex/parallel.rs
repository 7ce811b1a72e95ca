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
