//! What fine-tuning changed: each genre's average precision on held-out posters, before and after.

use std::fmt::Write;

use marquee::fine_tune::PartialLabels;
use marquee::metrics::{MIN_POSITIVES, Ranking, average_precision};

/// Labels and probabilities before and after fine-tuning. Genres are in the order of the fine-tuned bundle, whose new
/// genres come last; `before` has no columns for them.
pub(crate) struct Comparison<'a> {
    pub(crate) genres: &'a [String],
    /// Labels of the training posters.
    pub(crate) train: Vec<PartialLabels>,
    /// Labels of the held-out posters.
    pub(crate) held_out: Vec<PartialLabels>,
    /// Probabilities of the held-out posters, `[posters][genres]`.
    pub(crate) before: Vec<Vec<f32>>,
    pub(crate) after: Vec<Vec<f32>>,
}

/// Formats one row per genre that has a positive among the training or the held-out posters.
pub(crate) fn table(comparison: &Comparison<'_>) -> String {
    let held_out = comparison.held_out.len();
    let mut text = format!("\naverage precision on {held_out} held-out posters\n");
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "{:14} {:>7} {:>8} {:>9} {:>8} {:>8}",
        "genre", "trained", "held out", "baseline", "before", "after"
    );
    let mut few = 0;
    for (genre, name) in comparison.genres.iter().enumerate() {
        let is_positive = |labels: &&PartialLabels| labels[genre] == Some(true);
        let trained = comparison.train.iter().filter(is_positive).count();
        let before = ranking(&comparison.before, &comparison.held_out, genre);
        let after = ranking(&comparison.after, &comparison.held_out, genre);
        let positives = after.iter().filter(|(_, label)| *label).count();
        if positives == 0 && trained == 0 {
            continue;
        }
        few += usize::from(positives < MIN_POSITIVES);
        let baseline = positives as f64 / after.len().max(1) as f64;
        let before = match before.len() {
            0 => "new".to_owned(),
            _ => format!("{:.4}", average_precision(&before)),
        };
        let after = average_precision(&after);
        let _ = writeln!(
            text,
            "{name:14} {trained:7} {positives:8} {baseline:9.4} {before:>8} {after:8.4}"
        );
    }
    if few > 0 {
        let _ = writeln!(
            text,
            "{few} of these genres have fewer than {MIN_POSITIVES} held-out posters: too few to compare"
        );
    }
    text
}

/// Pairs each poster's probability of a genre with its label, the most probable first. Leaves out unknown labels, and
/// all posters if the table has no column for the genre.
fn ranking(probabilities: &[Vec<f32>], labels: &[PartialLabels], genre: usize) -> Ranking {
    let pairs = probabilities.iter().zip(labels);
    let mut ranking: Ranking =
        pairs.filter_map(|(row, labels)| Some((*row.get(genre)?, labels[genre]?))).collect();
    ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranking
}
