//! Teachers: runs and bundles whose predictions are soft labels. Both are calibrated, a run as `trainer export` does
//! it, so that their probabilities can be averaged.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::Classifier;

use crate::data::dataset::Dataset;
use crate::data::posters::{self, Poster};
use crate::data::soft_labels::{SoftLabelTable, SoftLabels};
use crate::export::from_runs;
use crate::inference;
use crate::training::config::DistillationConfig;
use crate::training::soup::Soup;

/// Posters in memory at a time.
const CHUNK: usize = 1024;

/// A calibrated teacher.
pub(crate) struct Teacher {
    classifier: Classifier,
}

impl Teacher {
    /// Opens a run if the folder holds a `config.toml`, and a bundle otherwise. A run is calibrated on its validation
    /// posters, which its data folder must still hold.
    ///
    /// # Errors
    /// The folder is neither, or cannot be read.
    pub(crate) fn open(dir: &Path, device: &Device) -> Result<Self> {
        let classifier = if dir.join("config.toml").is_file() {
            Self::of_run(dir, device)
        } else {
            inference::open(dir, device).context("it is neither a run nor a bundle")
        };
        let classifier = classifier.with_context(|| format!("the teacher {}", dir.display()))?;
        Ok(Self { classifier })
    }

    fn of_run(dir: &Path, device: &Device) -> Result<Classifier> {
        let soup = Soup::open(&[PathBuf::from(dir)])?;
        let config = &soup.first.config;
        from_runs::classifier(&soup, &config.dataset(&config.data)?, device)
    }

    /// Returns the names of the genres that it predicts.
    pub(crate) fn genres(&self) -> Vec<String> {
        self.classifier.manifest().genres.iter().map(|genre| genre.name.clone()).collect()
    }

    /// Returns the probabilities of each poster of a dataset, one row per id, at the teacher's own input size. With
    /// `mirrored`, they are the means over the poster and its mirror image. Bad images are left out with a note.
    pub(crate) fn predict(&self, dataset: &Dataset, mirrored: bool) -> Result<SoftLabelTable> {
        let input = &self.classifier.manifest().input;
        let mut seen = HashSet::new();
        let rows: Vec<_> =
            dataset.rows.iter().filter(|row| seen.insert(row.id.as_str())).cloned().collect();
        let mut table = SoftLabelTable { genres: self.genres(), rows: Vec::new() };
        for chunk in rows.chunks(CHUNK) {
            let chunk = Dataset {
                dir: dataset.dir.clone(),
                genres: dataset.genres.clone(),
                rows: chunk.to_vec(),
            };
            let mut posters = posters::load(&chunk, input, true)?;
            let mut probabilities = inference::probabilities(&self.classifier, &posters)?;
            if mirrored {
                for poster in &mut posters {
                    poster.pixels = poster.pixels.read()?.mirrored().into();
                }
                let of_mirrored = inference::probabilities(&self.classifier, &posters)?;
                for (row, mirrored) in probabilities.iter_mut().zip(of_mirrored) {
                    row.iter_mut().zip(mirrored).for_each(|(a, b)| *a = (*a + b) / 2.0);
                }
            }
            let rows = posters.iter().zip(probabilities);
            table.rows.extend(rows.map(|(Poster { row, .. }, probabilities)| {
                (row.id.clone(), probabilities.into_iter().map(Some).collect())
            }));
        }
        Ok(table)
    }
}

/// Returns the soft labels of the training posters: the means over all teachers and files of the configuration.
/// Prints what each has.
///
/// # Errors
/// A teacher or a file cannot be read, or has none of the genres.
pub(crate) fn soft_labels<'a>(
    config: &DistillationConfig,
    datasets: &[Dataset],
    train: impl Iterator<Item = &'a Poster>,
    device: &Device,
) -> Result<SoftLabels> {
    let ids: HashSet<String> = train.map(|poster| poster.row.id.clone()).collect();
    let Some(main) = datasets.first() else { return Ok(SoftLabels::default()) };
    let mut means = SoftLabels::default();
    for dir in &config.teachers {
        println!("computing soft labels with the teacher {}", dir.display());
        let teacher = Teacher::open(dir, device)?;
        let mut table = SoftLabelTable { genres: teacher.genres(), rows: Vec::new() };
        for dataset in datasets {
            table.rows.extend(teacher.predict(&dataset.with_ids(&ids), false)?.rows);
        }
        add(&mut means, table, dir, &main.genres)?;
    }
    for path in &config.soft_labels {
        let mut table = SoftLabelTable::read(path)?;
        let rows = table.rows.len();
        table.rows.retain(|(id, _)| ids.contains(id));
        println!("{}: {rows} rows, {} of training posters", path.display(), table.rows.len());
        ensure!(!table.rows.is_empty(), "{} has no training poster", path.display());
        add(&mut means, table, path, &main.genres)?;
    }
    if !config.teachers.is_empty() || !config.soft_labels.is_empty() {
        println!("{} of {} training posters have soft labels", means.len(), ids.len());
    }
    Ok(means)
}

/// Adds one teacher's table to the means.
fn add(
    means: &mut SoftLabels,
    table: SoftLabelTable,
    source: &Path,
    genres: &[String],
) -> Result<()> {
    let (soft_labels, missing) = table.of_genres(genres);
    let name = source.display();
    ensure!(missing.len() < genres.len(), "{name} has none of the genres of the posters");
    if !missing.is_empty() {
        println!("{name} has no {}: the labels alone count", missing.join(", "));
    }
    means.add_teacher(&soft_labels);
    Ok(())
}
