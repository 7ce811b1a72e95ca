//! One genre's predictions, sorted once; its metrics in a resample then take one pass.

use marquee::metrics::LabelledPredictions;

/// The posters whose label of a genre is known, the most probable first.
pub(super) struct RankedGenre {
    entries: Vec<Entry>,
    /// Values in the full sample, for resamples without a positive (or, for AUROC, without a negative).
    full: GenreValues,
}

struct Entry {
    poster: u32,
    label: bool,
    decision: bool,
    /// Whether the next poster is less probable: equal probabilities form one step of the ranking.
    ends_step: bool,
}

/// The metrics of a genre in a resample.
#[derive(Clone, Copy, Default)]
pub(super) struct GenreValues {
    pub(super) true_positives: f64,
    pub(super) predicted: f64,
    pub(super) positives: f64,
    pub(super) f1: f64,
    pub(super) average_precision: f64,
    pub(super) auroc: f64,
}

impl RankedGenre {
    pub(super) fn new(predictions: &LabelledPredictions<'_>, genre: usize) -> Self {
        let probability = |poster: usize| predictions.probabilities[poster][genre];
        let mut known: Vec<(usize, bool)> = Vec::new();
        for (poster, labels) in predictions.labels.iter().enumerate() {
            known.extend(labels[genre].map(|label| (poster, label)));
        }
        known.sort_by(|a, b| probability(b.0).total_cmp(&probability(a.0)));
        let entry = |(index, &(poster, label)): (usize, &(usize, bool))| Entry {
            poster: poster as u32,
            label,
            decision: predictions.decisions[poster][genre],
            ends_step: known
                .get(index + 1)
                .is_none_or(|&(next, _)| probability(next) != probability(poster)),
        };
        let entries: Vec<Entry> = known.iter().enumerate().map(entry).collect();
        let mut ranked = Self { entries, full: GenreValues::default() };
        ranked.full = ranked.values(&vec![1; predictions.labels.len()]);
        ranked
    }

    /// Returns the number of positives in the full sample.
    pub(super) fn positives(&self) -> usize {
        self.full.positives as usize
    }

    /// Returns the genre's metrics in the resample that draws each poster `counts[poster]` times.
    pub(super) fn values(&self, counts: &[u32]) -> GenreValues {
        let (mut seen, mut hits) = (0.0, 0.0);
        let (mut step_seen, mut step_hits) = (0.0, 0.0);
        let (mut precisions, mut area) = (0.0, 0.0);
        let (mut true_positives, mut predicted) = (0.0, 0.0);
        for entry in &self.entries {
            let count = f64::from(counts[entry.poster as usize]);
            step_seen += count;
            if entry.label {
                step_hits += count;
            }
            if entry.decision {
                predicted += count;
                if entry.label {
                    true_positives += count;
                }
            }
            if entry.ends_step && step_seen > 0.0 {
                area += (step_seen - step_hits) * (hits + step_hits / 2.0);
                seen += step_seen;
                hits += step_hits;
                precisions += step_hits * hits / seen;
                (step_seen, step_hits) = (0.0, 0.0);
            }
        }
        let (positives, negatives) = (hits, seen - hits);
        let or_full =
            |is_defined: bool, value: f64, full: f64| if is_defined { value } else { full };
        let has_positives = positives > 0.0;
        GenreValues {
            true_positives,
            predicted,
            positives,
            f1: or_full(
                has_positives,
                2.0 * true_positives / (predicted + positives),
                self.full.f1,
            ),
            average_precision: or_full(
                has_positives,
                precisions / positives,
                self.full.average_precision,
            ),
            auroc: or_full(
                has_positives && negatives > 0.0,
                area / (positives * negatives),
                self.full.auroc,
            ),
        }
    }
}
