//! Work on all cores with the feature `rayon`, otherwise on one.

/// Calls `work` for each item with its index. Each thread reuses one `scratch` and takes at least `grain` items
/// at a time.
pub(super) fn for_each<T: Send, S>(
    items: Vec<T>,
    grain: usize,
    scratch: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, T) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        let items = items.into_par_iter().enumerate().with_min_len(grain);
        items.for_each_init(scratch, |scratch, (index, item)| work(scratch, index, item));
    }
    #[cfg(not(feature = "rayon"))]
    {
        let _ = grain;
        let mut scratch = scratch();
        let items = items.into_iter().enumerate();
        items.for_each(|(index, item)| work(&mut scratch, index, item));
    }
}
