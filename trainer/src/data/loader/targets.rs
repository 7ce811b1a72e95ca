//! Training targets: the loss weights of labels, smoothed, and of the teachers' soft labels.
//!
//! A target has two weights: of the loss of a present genre, and of the loss of an absent one. A known label has the
//! weights 1 and 0 or 0 and 1, an unknown label 0 and 0. Mixup can blend such weights, which it cannot do with labels
//! of which some are unknown.

use burn::tensor::Tensor;
use marquee::metrics::LabelRow;

use crate::data::posters::Poster;
use crate::data::soft_labels::SoftLabels;

/// Weights in a poster's row of targets, `[4][genres]`: present and absent by the labels, present and absent by the
/// soft labels. The two pairs are apart because their losses may differ.
pub(crate) const TARGET_WEIGHTS: usize = 4;

/// Turns labels into the targets of the loss.
#[derive(Clone)]
pub(crate) struct Targets {
    /// The weight of a known label without a soft label.
    pub(crate) label_weight: f32,
    /// Label smoothing: the weight of each genre's frequency in its target, 0..1.
    pub(crate) smoothing: f32,
    /// Each genre's frequency among the training posters, 0..=1.
    pub(crate) frequencies: Vec<f32>,
    pub(crate) soft_labels: SoftLabels,
    /// The weight of the soft labels, 0..=1; the labels have the rest.
    pub(crate) soft_label_weight: f32,
    /// Posters whose labels may be cut off after three genres.
    pub(crate) truncated: Option<TruncatedLabels>,
}

/// Posters of sources that list at most three genres.
#[derive(Clone, Copy)]
pub(crate) struct TruncatedLabels {
    /// Index of the first such poster; all later ones are such too.
    pub(crate) first: usize,
    /// Weight of the absent genres of posters with exactly three genres, 0..=1.
    pub(crate) weight: f32,
}

/// The most genres that a source with truncated labels lists.
const TRUNCATED_GENRES: usize = 3;

impl Targets {
    /// Returns the plain labels as targets. Their weight makes the mean loss over posters and genres the mean over
    /// the known labels.
    pub(crate) fn for_evaluation(posters: &[Poster]) -> Self {
        let labels: usize = posters.iter().map(|poster| poster.row.labels.len()).sum();
        let unknown: usize = posters.iter().map(|poster| poster.row.unknown()).sum();
        Self {
            label_weight: labels as f32 / (labels - unknown).max(1) as f32,
            smoothing: 0.0,
            frequencies: Vec::new(),
            soft_labels: SoftLabels::default(),
            soft_label_weight: 0.0,
            truncated: None,
        }
    }

    /// Returns the targets of the poster with this index, `[TARGET_WEIGHTS][genres]`.
    pub(super) fn of(&self, index: usize, row: &LabelRow) -> Vec<f32> {
        let mut soft_labels = self.soft_labels.of(&row.id);
        let genres = row.labels.len();
        let mut weights = vec![0.0; TARGET_WEIGHTS * genres];
        for (genre, label) in row.labels.iter().enumerate() {
            let soft_label = soft_labels.next().flatten();
            let known = match label {
                None => 0.0,
                Some(false) => self.certainty_of_absence(index, row),
                Some(true) => 1.0,
            };
            let share = if soft_label.is_some() { 1.0 - self.soft_label_weight } else { 1.0 };
            let label_weight = known * share;
            let mut target = f32::from(u8::from(*label == Some(true)));
            if let Some(frequency) = self.frequencies.get(genre) {
                target += (frequency - target) * self.smoothing;
            }
            weights[genre] = self.label_weight * label_weight * target;
            weights[genres + genre] = self.label_weight * label_weight * (1.0 - target);
            if let Some(probability) = soft_label {
                // What the label does not decide, the soft label does.
                let soft_weight = 1.0 - label_weight;
                weights[2 * genres + genre] = soft_weight * probability;
                weights[3 * genres + genre] = soft_weight * (1.0 - probability);
            }
        }
        weights
    }

    /// Returns how certain it is that an absent genre of the poster is absent, 0..=1.
    fn certainty_of_absence(&self, index: usize, row: &LabelRow) -> f32 {
        match self.truncated {
            Some(TruncatedLabels { first, weight }) if index >= first => {
                let present = row.labels.iter().filter(|label| **label == Some(true)).count();
                if present == TRUNCATED_GENRES { weight } else { 1.0 }
            }
            _ => 1.0,
        }
    }
}

/// Returns the total weights of present and absent genres, `[N, genres]` each, of targets
/// `[N, TARGET_WEIGHTS, genres]`. Both are 0 where nothing is known.
pub(crate) fn total_weights(targets: Tensor<3>) -> [Tensor<2>; 2] {
    let [labels_present, labels_absent, soft_present, soft_absent] = weights(targets);
    [labels_present + soft_present, labels_absent + soft_absent]
}

/// Splits targets `[N, TARGET_WEIGHTS, genres]` into the four weights, `[N, genres]` each.
pub(crate) fn weights(targets: Tensor<3>) -> [Tensor<2>; TARGET_WEIGHTS] {
    let [posters, _, genres] = targets.dims();
    std::array::from_fn(|index| targets.clone().narrow(1, index, 1).reshape([posters, genres]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Targets {
        Targets { label_weight: 1.0, ..Targets::for_evaluation(&[]) }
    }

    fn row(labels: [Option<bool>; 4]) -> LabelRow {
        LabelRow { id: "film".into(), labels: labels.to_vec() }
    }

    fn rows(weights: &[f32]) -> Vec<&[f32]> {
        weights.chunks_exact(4).collect()
    }

    const LABELS: [Option<bool>; 4] = [Some(true), Some(false), None, Some(true)];

    #[test]
    fn unknown_labels_have_no_weight() {
        let weights = targets().of(0, &row(LABELS));
        assert_eq!(rows(&weights), [[1., 0., 0., 1.], [0., 1., 0., 0.], [0.; 4], [0.; 4]]);
    }

    #[test]
    fn the_mean_of_evaluation_weights_is_1() {
        let poster = |labels| Poster {
            row: row(labels),
            pixels: marquee::Pixels::from_fn(0, 0, |_, _| [0; 3]).into(),
            hash: [0; 32],
        };
        let posters = [poster(LABELS), poster([None; 4])];
        let targets = Targets::for_evaluation(&posters);
        let sum: f32 = posters.iter().flat_map(|poster| targets.of(0, &poster.row)).sum();
        assert!((sum / 8.0 - 1.0).abs() < 1e-6, "{sum}");
    }

    #[test]
    fn smoothing_moves_targets_towards_the_frequencies_and_keeps_unknown_labels_unknown() {
        let smoothed = Targets { smoothing: 0.2, frequencies: vec![0.5; 4], ..targets() };
        let weights = smoothed.of(0, &row(LABELS));
        let expected = [[0.9, 0.1, 0.0, 0.9], [0.1, 0.9, 0.0, 0.1]];
        for (weights, expected) in rows(&weights).into_iter().zip(expected) {
            assert!(weights.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{weights:?}");
        }
    }

    #[test]
    fn soft_labels_share_the_weight_with_labels_and_replace_unknown_ones() {
        let mut soft_labels = SoftLabels::default();
        soft_labels.add("film", &[Some(0.8), Some(0.8), Some(0.8), None]);
        let distilled = Targets { soft_labels, soft_label_weight: 0.75, ..targets() };
        let weights = distilled.of(0, &row(LABELS));
        let expected = [
            [0.25, 0.0, 0.0, 1.0],
            [0.0, 0.25, 0.0, 0.0],
            [0.6, 0.6, 0.8, 0.0],
            [0.15, 0.15, 0.2, 0.0],
        ];
        for (weights, expected) in rows(&weights).into_iter().zip(expected) {
            assert!(weights.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{weights:?}");
        }
        // A poster without soft labels uses its labels alone.
        let other = LabelRow { id: "other".into(), ..row(LABELS) };
        assert_eq!(distilled.of(0, &other), targets().of(0, &other));
    }

    #[test]
    fn absent_genres_of_additional_posters_with_three_genres_are_uncertain() {
        let truncated = Some(TruncatedLabels { first: 5, weight: 0.25 });
        let targets = Targets { truncated, ..targets() };
        let absent = |index, labels| targets.of(index, &row(labels))[4..8].to_vec();
        let three = [Some(true), Some(true), Some(false), Some(true)];
        let two = [Some(true), Some(true), Some(false), Some(false)];
        assert_eq!(absent(5, three), [0.0, 0.0, 0.25, 0.0]);
        assert_eq!(absent(4, three), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(absent(5, two), [0.0, 0.0, 1.0, 1.0]);
    }
}
