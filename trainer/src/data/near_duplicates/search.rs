//! The search for near-duplicates between two sets of posters, by their files and the hashes of their crops.

use rayon::prelude::*;

use super::crops::{Fingerprint, Hash};

/// Largest Hamming distance between a poster's hash and that of a crop of its near-duplicate, out of 256 bits. See
/// "Near-duplicates" in docs/training.md for how often it is right.
const MAX_DISTANCE: u32 = 44;

/// Largest distance between the hashes of two whole posters whose crops are worth comparing. Crops by up to 5 % of the
/// width and the height change fewer bits; of unlike posters, few are as near.
const MAX_WHOLE_DISTANCE: u32 = 112;

/// Returns, for each of `posters`, whether there is a near-duplicate of it among `others`.
pub(crate) fn near_duplicates(posters: &[&Fingerprint], others: &[&Fingerprint]) -> Vec<bool> {
    let is_near = |poster: &&Fingerprint| others.iter().any(|other| are_near(poster, other));
    posters.par_iter().map(is_near).collect()
}

/// Returns whether the files are identical, or one poster is nearly the other or a crop of it.
fn are_near(a: &Fingerprint, b: &Fingerprint) -> bool {
    let (Some(whole_a), Some(whole_b)) = (a.crops.first(), b.crops.first()) else {
        return a.file == b.file;
    };
    is_within(whole_a, whole_b, MAX_WHOLE_DISTANCE)
        && (a.crops.iter().any(|crop| is_within(crop, whole_b, MAX_DISTANCE))
            || b.crops.iter().any(|crop| is_within(crop, whole_a, MAX_DISTANCE)))
}

/// Returns whether two hashes are at most `distance` bits apart. Most are far apart within their first half.
fn is_within(a: &Hash, b: &Hash, distance: u32) -> bool {
    let differences = |word: usize| (a[word] ^ b[word]).count_ones();
    let half = differences(0) + differences(1);
    half <= distance && half + differences(2) + differences(3) <= distance
}
