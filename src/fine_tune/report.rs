//! The report of a fine-tuning: metrics on held-out posters, per genre and overall, beside those of the model
//! before and of the baseline. It marks genres with too few posters for a comparison.

use serde::Serialize;

use crate::bundle::Manifest;
use crate::metrics::{MIN_POSITIVES, Ranking, average_precision, cross_entropy};

/// A held-out poster and its predictions, all in the order of the manifest's genres.
pub(crate) struct HeldOut<'a> {
    /// True labels; `None` if unknown.
    pub(crate) labels: &'a [Option<bool>],
    /// Probabilities before fine-tuning; `None` for genres that the model did not have.
    pub(crate) before: Vec<Option<f32>>,
    /// Probabilities after fine-tuning.
    pub(crate) after: Vec<f32>,
}

/// A known label, and its probability before and after.
type Known = (bool, Option<f32>, f32);

/// The quality of a fine-tuned model on held-out posters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FineTuneReport {
    /// Number of held-out posters.
    pub posters: usize,
    /// Mean cross-entropy of the known labels, in nats; lower is better. `before` is `None` if a genre is new.
    pub cross_entropy: Comparison,
    /// Mean average precision over the genres, 0..=1; higher is better. `before` is `None` if a genre is new.
    pub average_precision: Comparison,
    /// Every genre with at least one positive label.
    pub genres: Vec<GenreReport>,
}

/// One metric of the model before and after fine-tuning, and of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The model before; `None` if it did not have the genre.
    pub before: Option<f64>,
    /// The fine-tuned model.
    pub after: f64,
    /// Predicting each genre's frequency for every poster.
    #[serde(rename = "guessing")]
    pub baseline: f64,
}

/// The quality for one genre.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenreReport {
    /// The genre's name.
    pub genre: String,
    /// Held-out posters that have it.
    pub positives: usize,
    /// Held-out posters that do not have it.
    pub negatives: usize,
    /// Average precision, 0..=1: the area under the precision-recall curve.
    pub average_precision: Comparison,
    /// Whether there are at least [`MIN_POSITIVES`] positives and as many negatives. With fewer, a difference
    /// may well be chance.
    pub enough: bool,
}

impl FineTuneReport {
    pub(crate) fn new(manifest: &Manifest, held_out: &[HeldOut<'_>]) -> Self {
        let mut genres = Vec::new();
        let mut entropy = CrossEntropySums::default();
        for (index, genre) in manifest.genres.iter().enumerate() {
            let known: Vec<Known> = held_out
                .iter()
                .filter_map(|poster| {
                    Some((poster.labels[index]?, poster.before[index], poster.after[index]))
                })
                .collect();
            if known.is_empty() {
                continue;
            }
            let positives = known.iter().filter(|(label, ..)| *label).count();
            let negatives = known.len() - positives;
            let frequency = positives as f64 / known.len() as f64;
            for &(label, before, after) in &known {
                entropy.add(label, before, after, frequency);
            }
            if positives > 0 {
                genres.push(GenreReport {
                    genre: genre.name.clone(),
                    positives,
                    negatives,
                    average_precision: compare_average_precision(&known, frequency),
                    enough: positives.min(negatives) >= MIN_POSITIVES,
                });
            }
        }
        let average_precision = mean_average_precision(&genres);
        Self { posters: held_out.len(), cross_entropy: entropy.mean(), average_precision, genres }
    }
}

/// Compares a genre's average precision; the baseline's is the genre's `frequency`.
fn compare_average_precision(known: &[Known], frequency: f64) -> Comparison {
    let of = |probability: fn(&Known) -> f32| {
        let mut ranking: Ranking = known.iter().map(|k| (probability(k), k.0)).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        average_precision(&ranking)
    };
    let was_known = known.iter().all(|(_, before, _)| before.is_some());
    Comparison {
        before: was_known.then(|| of(|k| k.1.unwrap_or_default())),
        after: of(|k| k.2),
        baseline: frequency,
    }
}

fn mean_average_precision(genres: &[GenreReport]) -> Comparison {
    let mean = |metric: &dyn Fn(&Comparison) -> Option<f64>| {
        let values: Option<Vec<f64>> =
            genres.iter().map(|genre| metric(&genre.average_precision)).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len().max(1) as f64)
    };
    Comparison {
        before: mean(&|c| c.before),
        after: mean(&|c| Some(c.after)).unwrap_or_default(),
        baseline: mean(&|c| Some(c.baseline)).unwrap_or_default(),
    }
}

/// Sums of cross-entropies over the known labels.
#[derive(Default)]
struct CrossEntropySums {
    labels: usize,
    before: f64,
    /// Labels of genres that the model did not have before.
    new: usize,
    after: f64,
    baseline: f64,
}

impl CrossEntropySums {
    fn add(&mut self, label: bool, before: Option<f32>, after: f32, frequency: f64) {
        self.labels += 1;
        self.after += cross_entropy(after.into(), label);
        self.baseline += cross_entropy(frequency, label);
        match before {
            Some(before) => self.before += cross_entropy(before.into(), label),
            None => self.new += 1,
        }
    }

    fn mean(&self) -> Comparison {
        let count = self.labels.max(1) as f64;
        Comparison {
            before: (self.new == 0).then_some(self.before / count),
            after: self.after / count,
            baseline: self.baseline / count,
        }
    }
}
