//! Constant decisions: the baselines, which never look at a poster.

/// Returns the indices of the `count` most frequent genres, the most frequent first.
pub(super) fn most_frequent(frequencies: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..frequencies.len()).collect();
    order.sort_by(|&a, &b| frequencies[b].total_cmp(&frequencies[a]));
    order.truncate(count);
    order
}

/// Returns the indices of the genres whose constant decision has the highest expected F1 over all posters and genres
/// pooled, given each genre's frequency (Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1
/// Measure"). They are the most frequent ones: those above half of that F1.
///
/// For the F1 of each genre by itself, and so for macro and weighted F1, the best constant decision is always yes.
pub(super) fn best_expected_f1(frequencies: &[f32]) -> Vec<usize> {
    let order = most_frequent(frequencies, frequencies.len());
    let positives: f32 = frequencies.iter().sum();
    let mut hits = 0.0;
    let (mut best, mut best_f1) = (0, 0.0);
    for (index, &genre) in order.iter().enumerate() {
        hits += frequencies.get(genre).copied().unwrap_or(0.0);
        let f1 = 2.0 * hits / ((index + 1) as f32 + positives);
        if f1 > best_f1 {
            (best, best_f1) = (index + 1, f1);
        }
    }
    order.into_iter().take(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_constant_decisions_are_the_genres_above_half_of_their_f1() {
        let frequencies = [0.05, 0.5, 0.3, 0.2, 0.02];
        let chosen = best_expected_f1(&frequencies);
        // 2 * 0.5 / (1 + 1.07) = 0.48, 2 * 0.8 / 3.07 = 0.52, 2 * 1 / 4.07 = 0.49
        assert_eq!(chosen, [1, 2]);
        assert!(frequencies[2] > 0.52 / 2.0 && frequencies[3] < 0.52 / 2.0);
        assert!(best_expected_f1(&[0.0, 0.0]).is_empty());
    }
}
