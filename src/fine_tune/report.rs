//! What posters that were kept aside say of a network that was taught: genre by genre, and together, beside the
//! network as it was and beside guessing. It also says where there are too few of them to tell.

use serde::Serialize;

use crate::manifest::Manifest;
use crate::metrics::{MIN_POSITIVES, Ranking, average_precision};

/// A poster that was kept aside, and what was answered about it. All in the order of the manifest's genres.
pub(crate) struct Answered<'a> {
    /// What is known of it.
    pub(crate) labels: &'a [Option<bool>],
    /// The probabilities before, where the genre was known then.
    pub(crate) before: Vec<Option<f32>>,
    /// The probabilities after.
    pub(crate) after: Vec<f32>,
}

/// A label, and its probability before and after.
type Known = (bool, Option<f32>, f32);

/// How well a network tells the genres that it was taught.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Posters that judged.
    pub posters: usize,
    /// Mean cross-entropy of the known labels, in nats; less is better. Without `before` where a genre is new.
    pub cross_entropy: Compared,
    /// Mean of the genres' average precisions.
    pub average_precision: Compared,
    /// Every genre of which something is known.
    pub genres: Vec<GenreJudgement>,
}

/// One figure thrice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Of the network as it was; `None` where it could not tell.
    pub before: Option<f64>,
    /// Of the network as it is taught.
    pub after: f64,
    /// Of answering each genre's frequency for every poster.
    pub guessing: f64,
}

/// How well a genre is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenreJudgement {
    /// Its name.
    pub genre: String,
    /// Posters that have it.
    pub positives: usize,
    /// Posters that do not.
    pub negatives: usize,
    /// Area under the precision-recall curve.
    pub average_precision: Compared,
    /// Whether there are [`MIN_POSITIVES`] of either kind, below which better and worse are a matter of chance.
    pub enough: bool,
}

impl Judgement {
    pub(crate) fn of(manifest: &Manifest, answered: &[Answered<'_>]) -> Self {
        let mut genres = Vec::new();
        let mut entropy = Sums::default();
        for (index, genre) in manifest.genres.iter().enumerate() {
            let known: Vec<Known> = answered
                .iter()
                .filter_map(|answer| {
                    Some((answer.labels[index]?, answer.before[index], answer.after[index]))
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
            if positives == 0 {
                continue;
            }
            let ranked = |probability: fn(&Known) -> f32| {
                let mut ranking: Ranking = known.iter().map(|k| (probability(k), k.0)).collect();
                ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
                average_precision(&ranking)
            };
            let was_known = known.iter().all(|(_, before, _)| before.is_some());
            genres.push(GenreJudgement {
                genre: genre.name.clone(),
                positives,
                negatives,
                average_precision: Compared {
                    before: was_known.then(|| ranked(|k| k.1.unwrap_or_default())),
                    after: ranked(|k| k.2),
                    guessing: frequency,
                },
                enough: positives.min(negatives) >= MIN_POSITIVES,
            });
        }
        let mean = |figure: &dyn Fn(&Compared) -> Option<f64>| {
            let figures: Option<Vec<f64>> =
                genres.iter().map(|genre| figure(&genre.average_precision)).collect();
            figures.map(|f| f.iter().sum::<f64>() / f.len().max(1) as f64)
        };
        let average_precision = Compared {
            before: mean(&|c| c.before),
            after: mean(&|c| Some(c.after)).unwrap_or_default(),
            guessing: mean(&|c| Some(c.guessing)).unwrap_or_default(),
        };
        Self { posters: answered.len(), cross_entropy: entropy.mean(), average_precision, genres }
    }
}

/// Sums of cross-entropies.
#[derive(Default)]
struct Sums {
    labels: usize,
    before: f64,
    /// Labels of which nothing was known before.
    unknown: usize,
    after: f64,
    guessing: f64,
}

impl Sums {
    fn add(&mut self, label: bool, before: Option<f32>, after: f32, frequency: f64) {
        let entropy = |p: f64| -(if label { p } else { 1.0 - p }).max(1e-7).ln();
        self.labels += 1;
        self.after += entropy(after.into());
        self.guessing += entropy(frequency);
        match before {
            Some(before) => self.before += entropy(before.into()),
            None => self.unknown += 1,
        }
    }

    fn mean(&self) -> Compared {
        let count = self.labels.max(1) as f64;
        Compared {
            before: (self.unknown == 0).then_some(self.before / count),
            after: self.after / count,
            guessing: self.guessing / count,
        }
    }
}
