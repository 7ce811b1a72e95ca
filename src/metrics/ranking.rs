//! Metrics of how well one genre's probabilities order the posters.

use super::ratio;

/// Fewest positives, among the evaluated posters, for a genre to count in mean average precision and mean AUROC.
/// With fewer, its own value would be mostly chance.
pub const MIN_POSITIVES: usize = 5;

/// Each poster's probability of one genre, and whether the poster has it.
pub type Ranking = Vec<(f32, bool)>;

/// Returns the mean of the average precisions of the genres with at least [`MIN_POSITIVES`] positives; NaN if there
/// is no such genre. The rankings need not be sorted.
pub fn mean_average_precision(genres: Vec<Ranking>) -> f64 {
    mean_over_genres(genres, MIN_POSITIVES, average_precision)
}

/// Returns the mean of a metric over the genres with at least `least` positives.
pub(super) fn mean_over_genres(
    genres: Vec<Ranking>,
    least: usize,
    metric: fn(&[(f32, bool)]) -> f64,
) -> f64 {
    let values: Vec<f64> = genres
        .into_iter()
        .filter(|genre| positives(genre) >= least)
        .map(|mut genre| {
            genre.sort_by(|a, b| b.0.total_cmp(&a.0));
            metric(&genre)
        })
        .collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the area under the precision-recall curve as a sum of steps, as scikit-learn's
/// `average_precision_score`. `ranking` is sorted, the most probable poster first; posters of equal probability
/// form one step. Returns 0 without positives.
///
/// ```
/// let ranking = [(0.9, true), (0.6, false), (0.3, true)];
/// assert_eq!(marquee::metrics::average_precision(&ranking), (1.0 + 2.0 / 3.0) / 2.0);
/// ```
pub fn average_precision(ranking: &[(f32, bool)]) -> f64 {
    let (mut seen, mut hits, mut sum) = (0, 0, 0.0);
    for tied in ranking.chunk_by(|a, b| a.0 == b.0) {
        let new = positives(tied);
        seen += tied.len();
        hits += new;
        sum += new as f64 * ratio(hits, seen);
    }
    if hits == 0 { 0.0 } else { sum / hits as f64 }
}

/// Returns the area under the ROC curve: the chance that a positive ranks above a negative, where ties count half.
/// `ranking` is sorted, the most probable poster first. Returns 0.5 without positives or without negatives.
pub(super) fn auroc(ranking: &[(f32, bool)]) -> f64 {
    let positive_count = positives(ranking);
    let negative_count = ranking.len() - positive_count;
    if positive_count == 0 || negative_count == 0 {
        return 0.5;
    }
    let (mut above, mut area) = (0.0, 0.0);
    for tied in ranking.chunk_by(|a, b| a.0 == b.0) {
        let new = positives(tied) as f64;
        let negatives = tied.len() as f64 - new;
        area += negatives * (above + new / 2.0);
        above += new;
    }
    area / (positive_count as f64 * negative_count as f64)
}

fn positives(ranking: &[(f32, bool)]) -> usize {
    ranking.iter().filter(|(_, label)| *label).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values from scikit-learn 1.9:
    //   y = [1,0,1,1,0,0]; s = [.9,.8,.7,.4,.4,.1]
    //   average_precision_score(y, s) = 0.7555555..., roc_auc_score(y, s) = 0.7222222...
    const RANKING: [(f32, bool); 6] =
        [(0.9, true), (0.8, false), (0.7, true), (0.4, true), (0.4, false), (0.1, false)];

    #[test]
    fn average_precision_equals_scikit_learns() {
        assert!((average_precision(&RANKING) - 0.755_555_6).abs() < 1e-6);
    }

    #[test]
    fn auroc_equals_scikit_learns() {
        assert!((auroc(&RANKING) - 0.722_222_2).abs() < 1e-6);
    }

    #[test]
    fn equal_probabilities_score_the_prevalence() {
        let ranking = [(0.3, true), (0.3, false), (0.3, false), (0.3, false)];
        assert_eq!(average_precision(&ranking), 0.25);
        assert_eq!(auroc(&ranking), 0.5);
    }
}
