//! A network's answers about labelled posters: every figure beside what guessing scores on the same posters.

use serde::Serialize;

use crate::manifest::{Manifest, Metric};
use crate::metrics::{Answers, FIGURES, Figure, Figures, GenreFigures};

/// Every figure of a network and of the trivial baselines on the same posters.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Posters that were judged.
    pub posters: usize,
    /// What the network scores.
    pub network: Figures,
    /// Each genre's frequency among the training posters, for every poster.
    pub priors: Figures,
    /// The two most frequent genres, for every poster. Its ranking is that of the priors.
    pub most_frequent: Figures,
    /// Their names.
    pub most_frequent_genres: Vec<String>,
    /// Genres in the mean average precision and AUROC.
    pub judged_genres: Vec<String>,
    /// Each genre by itself.
    pub genres: Vec<GenreFigures>,
}

/// A figure of the network and of the baselines.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name, with the number of genres where it is a mean over some of them.
    pub name: String,
    /// Of the network.
    pub network: f64,
    /// Of each genre's frequency.
    pub priors: f64,
    /// Of always naming the two most frequent genres.
    pub most_frequent: f64,
    /// How it is to be read.
    pub figure: Figure,
}

impl Evaluation {
    /// The figures of `answers`, whose genres are those of `manifest`.
    pub fn of(manifest: &Manifest, answers: Answers<'_>) -> Self {
        let names: Vec<String> = manifest.genres.iter().map(|genre| genre.name.clone()).collect();
        let thresholds: Vec<f32> = manifest.genres.iter().map(|genre| genre.threshold).collect();
        let labels = answers.labels;

        let total = manifest.training.train_posters.max(1) as f32;
        let priors: Vec<f32> =
            manifest.genres.iter().map(|genre| genre.posters as f32 / total).collect();
        let mut order: Vec<usize> = (0..priors.len()).collect();
        order.sort_by(|&a, &b| priors[b].total_cmp(&priors[a]));
        let frequent: Vec<usize> = order.into_iter().take(2).collect();
        let for_all = |row: Vec<bool>| vec![row; labels.len()];
        let priors_for_all = vec![priors.clone(); labels.len()];
        let baseline = |decisions: &[Vec<bool>]| {
            Answers { probabilities: &priors_for_all, decisions, labels }.figures()
        };

        Self {
            posters: labels.len(),
            network: answers.figures(),
            priors: baseline(&for_all(priors.iter().map(|&prior| prior >= 0.5).collect())),
            most_frequent: baseline(&for_all(
                (0..priors.len()).map(|genre| frequent.contains(&genre)).collect(),
            )),
            most_frequent_genres: frequent.iter().map(|&genre| names[genre].clone()).collect(),
            judged_genres: answers.judged_genres(&names),
            genres: answers.by_genre(&names, &thresholds),
        }
    }

    /// The figures as the manifest keeps them, beside the better of the two baselines.
    pub fn to_metrics(&self) -> Vec<Metric> {
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let lines = self.lines().into_iter();
        lines
            .map(|line| Metric {
                value: round(line.network),
                baseline: line.figure.beside_guessing.then(|| round(line.baseline())),
                higher_is_better: line.figure.higher_is_better,
                name: line.name,
            })
            .collect()
    }

    /// The figures side by side, in the order of [`FIGURES`].
    pub fn lines(&self) -> Vec<Line> {
        let judged = self.judged_genres.len();
        let line = |figure: Figure| Line {
            name: match figure.name {
                name @ ("mean average precision" | "AUROC") => format!("{name}, {judged} genres"),
                name => name.to_owned(),
            },
            network: (figure.of)(&self.network),
            priors: (figure.of)(&self.priors),
            most_frequent: (figure.of)(&self.most_frequent),
            figure,
        };
        FIGURES.into_iter().map(line).collect()
    }
}

impl Line {
    /// The better of the two baselines.
    pub fn baseline(&self) -> f64 {
        let best = if self.figure.higher_is_better { f64::max } else { f64::min };
        best(self.priors, self.most_frequent)
    }

    /// Whether guessing does better, where that means anything.
    pub fn is_worse(&self) -> bool {
        let gain = self.network - self.baseline();
        let worse = if self.figure.higher_is_better { gain < 0.0 } else { gain > 0.0 };
        self.figure.beside_guessing && worse
    }
}
