//! What is evaluated: a model, or answers that anyone made.

mod answered;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::metrics::LabelRow;
use marquee::{Classifier, Manifest, Preprocess};

use super::classified_posters::{ClassifiedPosters, Images, check_genres};
use crate::data::dataset::Dataset;
use crate::data::poster_ids;
use crate::data::posters::{self, Poster};
use crate::export::from_runs;
use crate::formats::answers::Answers;
use crate::inference;
use crate::training::soup::Soup;
use answered::{combine, list};

/// A model or answers, with a name for people.
pub(crate) struct Predictor {
    /// As it was named on the command line.
    pub(crate) name: String,
    kind: Kind,
    /// Ids of the posters that a run was trained on; unknown for bundles and answers.
    trained_on: HashSet<String>,
}

enum Kind {
    Model(Box<Classifier>),
    Answers(Answers),
}

impl Predictor {
    /// Opens the mean of runs, calibrated on their validation split.
    pub(crate) fn of_runs(soup: &Soup, dataset: &Dataset, device: &Device) -> Result<Self> {
        let classifier = from_runs::classifier(soup, dataset, device)?;
        let names: Vec<String> = soup.runs().map(|run| run.dir.display().to_string()).collect();
        let mut trained_on = HashSet::new();
        for list in ["train.txt", "additional-train.txt"] {
            let path = soup.first.dir.join(list);
            if path.is_file() {
                trained_on.extend(poster_ids::read(&path)?);
            }
        }
        let kind = Kind::Model(Box::new(classifier));
        Ok(Self { name: names.join(" and "), kind, trained_on })
    }

    /// Opens a bundle.
    pub(crate) fn of_bundle(path: &Path, device: &Device) -> Result<Self> {
        let name = path.display().to_string();
        let classifier = inference::open(path, device).with_context(|| name.clone())?;
        let kind = Kind::Model(Box::new(classifier));
        Ok(Self { name, kind, trained_on: HashSet::new() })
    }

    /// Reads answers about posters of `datasets`.
    ///
    /// # Errors
    /// Those of [`Answers::read`], or an id is in none of the datasets.
    pub(crate) fn of_answers(path: &Path, datasets: &[&Dataset]) -> Result<Self> {
        let name = path.display().to_string();
        let answers = Answers::read(path)?;
        let rows = datasets.iter().flat_map(|dataset| &dataset.rows);
        let known: HashSet<&str> = rows.map(|row| row.id.as_str()).collect();
        let unknown = answers.ids.iter().map(String::as_str).filter(|id| !known.contains(id));
        let unknown: Vec<&str> = unknown.collect();
        ensure!(
            unknown.is_empty(),
            "{name}: {} of {} ids are not in train.csv: {}",
            unknown.len(),
            answers.ids.len(),
            list(&unknown)
        );
        Ok(Self { name, kind: Kind::Answers(answers), trained_on: HashSet::new() })
    }

    /// Opens what `--against` names: a run folder, a bundle, or a file of answers.
    pub(crate) fn open(path: &Path, datasets: &[&Dataset], device: &Device) -> Result<Self> {
        if path.join("config.toml").is_file() {
            let soup = Soup::open(&[PathBuf::from(path)])?;
            let config = &soup.first.config;
            let dataset = config.dataset(&config.data)?;
            return Self::of_runs(&soup, &dataset, device);
        }
        if path.is_dir() {
            return Self::of_bundle(path, device);
        }
        ensure!(path.is_file(), "there is no run, bundle or file of answers");
        // A bundle may be one .safetensors file too.
        if Answers::is_file_name(path) && !is_bundle(path) {
            return Self::of_answers(path, datasets);
        }
        Self::of_bundle(path, device)
    }

    /// Returns the manifest of a model.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        match &self.kind {
            Kind::Model(classifier) => Some(classifier.manifest()),
            Kind::Answers(_) => None,
        }
    }

    /// Returns the names of the genres.
    pub(crate) fn genres(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Model(classifier) => {
                classifier.manifest().genres.iter().map(|genre| genre.name.as_str()).collect()
            }
            Kind::Answers(answers) => answers.genres.iter().map(String::as_str).collect(),
        }
    }

    /// Returns whether answers say nothing about the posters of these datasets.
    pub(crate) fn ignores(&self, datasets: &[Dataset]) -> bool {
        let Kind::Answers(answers) = &self.kind else { return false };
        let ids = answers.by_id();
        datasets.iter().flat_map(|dataset| &dataset.rows).all(|row| !ids.contains_key(&*row.id))
    }

    /// Returns the number of rows that trained it, as far as that is known.
    pub(crate) fn trained_on(&self, rows: &[LabelRow]) -> usize {
        rows.iter().filter(|row| self.trained_on.contains(&row.id)).count()
    }

    /// Predicts the genres of all posters of `datasets`, which have the same genres. Answers load images only for
    /// `with_images`.
    ///
    /// # Errors
    /// The genres differ, a poster has no answer, or an image is missing or damaged and `skip_bad` is false.
    pub(crate) fn classify(
        &self,
        datasets: &[Dataset],
        skip_bad: bool,
        with_images: bool,
    ) -> Result<ClassifiedPosters> {
        let load = |input: &Preprocess| -> Result<Vec<Poster>> {
            let loaded = datasets.iter().map(|dataset| posters::load(dataset, input, skip_bad));
            Ok(loaded.collect::<Result<Vec<_>>>()?.concat())
        };
        match &self.kind {
            Kind::Model(classifier) => {
                ClassifiedPosters::new(classifier, load(&classifier.manifest().input)?)
            }
            Kind::Answers(answers) => {
                let (rows, images) = if with_images {
                    let input =
                        Preprocess { width: 160, height: 240, mean: [0.0; 3], std: [1.0; 3] };
                    let posters = load(&input)?.into_iter();
                    let (rows, pixels) = posters.map(|poster| (poster.row, poster.pixels)).unzip();
                    (rows, Some(Images { pixels, width: input.width, height: input.height }))
                } else {
                    (datasets.iter().flat_map(|dataset| dataset.rows.clone()).collect(), None)
                };
                let genres = datasets.first().context("there are no posters")?.genres.as_slice();
                combine(answers, genres, rows, images)
            }
        }
        .with_context(|| self.name.clone())
    }

    /// Checks that the datasets' columns are the predictor's genres.
    pub(crate) fn check_genres(&self, datasets: &[Dataset]) -> Result<()> {
        if matches!(self.kind, Kind::Answers(_)) {
            return Ok(());
        }
        datasets.iter().try_for_each(|dataset| check_genres(dataset, &self.genres()))
    }
}

/// Returns whether a .safetensors file is a bundle, whose manifest is in its header.
fn is_bundle(path: &Path) -> bool {
    marquee::bundle::BundleFiles::read(path).is_ok()
}
