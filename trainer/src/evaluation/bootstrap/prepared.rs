//! Predictions, sorted and summed once, so that all metrics of a resample take one pass over them.
//!
//! The definitions are those of [`LabelledPredictions::metrics`]; tests compare the two.

use marquee::metrics::{LabelledPredictions, METRICS, MIN_POSITIVES, Metrics};

use super::Values;
use super::poster_sums::PosterSums;
use super::ranked_genre::{GenreValues, RankedGenre};

/// Prepared predictions of one model.
pub(super) struct Prepared {
    genres: Vec<RankedGenre>,
    posters: Vec<PosterSums>,
}

impl Prepared {
    pub(super) fn new(predictions: LabelledPredictions<'_>) -> Self {
        let genres = predictions.labels.first().map_or(0, Vec::len);
        let posters = 0..predictions.labels.len();
        Self {
            genres: (0..genres).map(|genre| RankedGenre::new(&predictions, genre)).collect(),
            posters: posters.map(|poster| PosterSums::new(&predictions, poster)).collect(),
        }
    }

    /// Returns the values in the resample that draws each poster `counts[poster]` times.
    pub(super) fn values(&self, counts: &[u32]) -> Values {
        let genres: Vec<GenreValues> =
            self.genres.iter().map(|genre| genre.values(counts)).collect();
        let metrics = self.metrics(counts, &genres);
        let average_precision = |(genre, values): (&RankedGenre, &GenreValues)| {
            if genre.positives() == 0 { f64::NAN } else { values.average_precision }
        };
        Values {
            metrics: METRICS.iter().map(|metric| (metric.value)(&metrics)).collect(),
            average_precisions: self.genres.iter().zip(&genres).map(average_precision).collect(),
        }
    }

    fn metrics(&self, counts: &[u32], genres: &[GenreValues]) -> Metrics {
        let mut sums = PosterSums::default();
        for (poster, &count) in self.posters.iter().zip(counts) {
            sums.add(poster, f64::from(count));
        }
        let sum = |value: fn(&GenreValues) -> f64| genres.iter().map(value).sum::<f64>();
        // Genres count by their positives in the full sample.
        let mean = |value: fn(&GenreValues) -> f64, least: usize| {
            let pairs = self.genres.iter().zip(genres);
            let counted = pairs.filter(|(genre, _)| genre.positives() >= least);
            let values: Vec<f64> = counted.map(|(_, values)| value(values)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let f1 = |genre: &GenreValues| genre.f1;
        let average_precision = |genre: &GenreValues| genre.average_precision;
        let auroc = |genre: &GenreValues| genre.auroc;
        let positives = sum(|genre| genre.positives);
        let weighted_f1 = sum(|genre| genre.f1 * genre.positives);
        Metrics {
            binary_cross_entropy: sums.cross_entropy / sums.labels,
            argmax_accuracy: sums.argmax / sums.ranked,
            exact_match: sums.exact / sums.ranked,
            micro_f1: 2.0 * sum(|genre| genre.true_positives)
                / (sum(|genre| genre.predicted) + positives).max(1.0),
            macro_f1: mean(f1, 0),
            macro_f1_ranked: mean(f1, MIN_POSITIVES),
            weighted_f1: if positives > 0.0 { weighted_f1 / positives } else { 0.0 },
            mean_average_precision: mean(average_precision, MIN_POSITIVES),
            mean_average_precision_all: mean(average_precision, 1),
            auroc: mean(auroc, MIN_POSITIVES),
            auroc_all: mean(auroc, 1),
            top_1_hit: sums.top_1 / sums.ranked,
            top_3_hit: sums.top_3 / sums.ranked,
            calibration_error: sums.all.error(),
            calibration_error_above: sums.above.error(),
        }
    }
}
