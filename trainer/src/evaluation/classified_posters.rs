//! Labelled posters with predictions about them, by a model or by anyone.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use marquee::metrics::{EvaluatedGenre, Label, LabelRow, LabelledPredictions};
use marquee::{Classifier, Evaluation, Manifest};

use crate::data::dataset::Dataset;
use crate::data::pixel_store::StoredPixels;
use crate::data::posters::{self, Poster};
use crate::formats::answers::Answers;
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
    check_genres(&dataset, &genres)?;
    if let Some(only) = only {
        dataset = with_only(&dataset, only)?;
    }
    posters::load(&dataset, &manifest.input, skip_bad)
}

/// Checks that a dataset has the genres of a model, in the same order.
pub(super) fn check_genres(dataset: &Dataset, genres: &[&str]) -> Result<()> {
    ensure!(
        dataset.genres == genres,
        "{} and the model have different genres: {} in the file, {} in the model",
        dataset.dir.join("train.csv").display(),
        dataset.genres.join(", "),
        genres.join(", ")
    );
    Ok(())
}

/// Returns the dataset with only these ids.
///
/// # Errors
/// It has none of them.
pub(super) fn with_only(dataset: &Dataset, only: &HashSet<String>) -> Result<Dataset> {
    let chosen = dataset.with_ids(only);
    ensure!(
        !chosen.rows.is_empty(),
        "{} contains none of the requested poster ids",
        dataset.dir.join("train.csv").display()
    );
    Ok(chosen)
}

/// Predictions about labelled posters. The outer index of each table is the poster, the inner one the genre.
pub(crate) struct ClassifiedPosters {
    pub(crate) genres: Vec<EvaluatedGenre>,
    /// Ids and labels.
    pub(crate) rows: Vec<LabelRow>,
    /// The posters' images, if they were loaded.
    pub(crate) images: Option<Images>,
    pub(crate) probabilities: Vec<Vec<f32>>,
    /// Whether the probability reaches the genre's threshold.
    pub(crate) decisions: Vec<Vec<bool>>,
    pub(crate) labels: Vec<Vec<Label>>,
}

/// Posters of one size, in the order of the rows.
pub(crate) struct Images {
    pub(crate) pixels: Vec<StoredPixels>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl ClassifiedPosters {
    /// Runs the classifier on all posters.
    pub(crate) fn new(classifier: &Classifier, posters: Vec<Poster>) -> Result<Self> {
        let manifest = classifier.manifest();
        let probabilities = inference::probabilities(classifier, &posters)?;
        let genres = manifest.genres.iter().zip(manifest.frequencies());
        let genres = genres.map(|(genre, frequency)| EvaluatedGenre {
            name: genre.name.clone(),
            threshold: genre.threshold,
            frequency,
        });
        let (rows, pixels) = posters.into_iter().map(|poster| (poster.row, poster.pixels)).unzip();
        let (width, height) = (manifest.input.width, manifest.input.height);
        let images = Some(Images { pixels, width, height });
        Ok(Self::from_rows(genres.collect(), rows, images, probabilities))
    }

    /// Combines predictions with labels, and decides by the genres' thresholds.
    pub(super) fn from_rows(
        genres: Vec<EvaluatedGenre>,
        rows: Vec<LabelRow>,
        images: Option<Images>,
        probabilities: Vec<Vec<f32>>,
    ) -> Self {
        let decide = |row: &Vec<f32>| -> Vec<bool> {
            row.iter().zip(&genres).map(|(p, genre)| *p >= genre.threshold).collect()
        };
        let decisions = probabilities.iter().map(decide).collect();
        let labels = rows.iter().map(|row| row.labels.clone()).collect();
        Self { genres, rows, images, probabilities, decisions, labels }
    }

    pub(crate) fn predictions(&self) -> LabelledPredictions<'_> {
        let Self { probabilities, decisions, labels, .. } = self;
        LabelledPredictions { probabilities, decisions, labels }
    }

    /// Computes all metrics, next to those of the baselines.
    pub(crate) fn evaluate(&self) -> Evaluation {
        Evaluation::of_genres(&self.genres, self.predictions())
    }

    pub(crate) fn genre_names(&self) -> Vec<String> {
        self.genres.iter().map(|genre| genre.name.clone()).collect()
    }

    /// Returns the predictions about the genres of these names, in their order, without images. The rows, in the same
    /// order, and their labels are those of `labelled`: a model with other genres reads the same rows differently.
    ///
    /// # Errors
    /// A genre is missing.
    pub(super) fn of_genres(&self, names: &[String], labelled: &Self) -> Result<Self> {
        let columns = self.columns(names)?;
        let genres = columns.iter().map(|&column| self.genres[column].clone()).collect();
        let label_columns = labelled.columns(names)?;
        let mut rows = labelled.rows.clone();
        for row in &mut rows {
            row.labels = label_columns.iter().map(|&column| row.labels[column]).collect();
        }
        let pick = |row: &Vec<f32>| columns.iter().map(|&column| row[column]).collect();
        let probabilities = self.probabilities.iter().map(pick).collect();
        Ok(Self::from_rows(genres, rows, None, probabilities))
    }

    /// Returns the column of each genre.
    fn columns(&self, names: &[String]) -> Result<Vec<usize>> {
        let column = |name: &String| {
            let column = self.genres.iter().position(|genre| genre.name == *name);
            column.with_context(|| format!("the genre {name} is missing"))
        };
        names.iter().map(column).collect()
    }

    /// Adds the predictions to `answers`. Posters that occur twice are added once.
    pub(crate) fn append_to(&self, answers: &mut Answers) {
        let mut known: HashSet<String> = answers.ids.iter().cloned().collect();
        for (row, probabilities) in self.rows.iter().zip(&self.probabilities) {
            if known.insert(row.id.clone()) {
                answers.ids.push(row.id.clone());
                answers.probabilities.push(probabilities.clone());
            }
        }
    }
}
