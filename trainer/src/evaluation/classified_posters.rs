//! Labelled posters with a model's predictions.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use marquee::metrics::{Label, LabelledPredictions};
use marquee::{Classifier, Evaluation, Manifest};

use crate::data::dataset::Dataset;
use crate::data::posters::{self, Poster};
use crate::inference;

/// Loads the posters to evaluate: those whose id is in `only`, or all of `dataset`.
///
/// # Errors
/// Fails if the dataset has other genres than the model, if no id matches, or if an image is missing or damaged
/// and `skip_bad` is false.
pub(crate) fn load(
    mut dataset: Dataset,
    manifest: &Manifest,
    only: Option<&HashSet<String>>,
    skip_bad: bool,
) -> Result<Vec<Poster>> {
    let genres: Vec<&str> = manifest.genres.iter().map(|genre| genre.name.as_str()).collect();
    ensure!(
        dataset.genres == genres,
        "{} and the model have different genres: {} in the file, {} in the model",
        dataset.dir.join("train.csv").display(),
        dataset.genres.join(", "),
        genres.join(", ")
    );
    if let Some(only) = only {
        dataset.rows.retain(|row| only.contains(&row.id));
        ensure!(
            !dataset.rows.is_empty(),
            "{} contains none of the requested poster ids",
            dataset.dir.join("train.csv").display()
        );
    }
    posters::load(&dataset, &manifest.input, skip_bad)
}

/// A model's predictions about labelled posters. The outer index of each table is the poster, the inner one the
/// genre.
pub(crate) struct ClassifiedPosters {
    pub(crate) manifest: Manifest,
    pub(crate) posters: Vec<Poster>,
    pub(crate) probabilities: Vec<Vec<f32>>,
    /// Whether the probability reaches the genre's threshold.
    pub(crate) decisions: Vec<Vec<bool>>,
    pub(crate) labels: Vec<Vec<Label>>,
}

impl ClassifiedPosters {
    /// Runs the classifier on all posters.
    pub(crate) fn new(classifier: &Classifier, posters: Vec<Poster>) -> Result<Self> {
        let manifest = classifier.manifest().clone();
        let probabilities = inference::probabilities(classifier, &posters)?;
        let decisions = manifest.decide(&probabilities);
        let labels = posters.iter().map(|poster| poster.row.labels.clone()).collect();
        Ok(Self { manifest, posters, probabilities, decisions, labels })
    }

    pub(crate) fn predictions(&self) -> LabelledPredictions<'_> {
        let Self { probabilities, decisions, labels, .. } = self;
        LabelledPredictions { probabilities, decisions, labels }
    }

    /// Computes all metrics, next to those of the baselines.
    pub(crate) fn evaluate(&self) -> Evaluation {
        Evaluation::new(&self.manifest, self.predictions())
    }

    pub(crate) fn genre_names(&self) -> Vec<String> {
        self.manifest.genres.iter().map(|genre| genre.name.clone()).collect()
    }
}
