//! A bundle from one run, or from the mean of several runs' weights.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::bundle::{FORMAT_VERSION, Genre, Training, WeightFile};
use marquee::metrics::LabelRow;
use marquee::{Bundle, Classifier, Manifest};

use super::Draft;
use super::calibrate::calibrate;
use super::compact::SAMPLES;
use crate::cli::ExportArgs;
use crate::data::dataset::Dataset;
use crate::data::poster_ids;
use crate::data::posters::{self, Poster};
use crate::evaluation::classified_posters;
use crate::formats::pretrained;
use crate::training::run_folder::Run;
use crate::training::soup::Soup;

const PRETRAINED_LICENCE: &str =
    "Apache-2.0, fine-tuned from EfficientNet-Lite (Apache-2.0, The TensorFlow Authors)";
const POSTERS_RIGHTS: &str = "the posters that it was trained on belong to their owners";

/// Assembles and calibrates the bundle of the runs in `dirs`.
///
/// # Errors
/// Fails if a run or its posters cannot be read, or if the runs cannot be averaged.
pub(crate) fn draft(args: &ExportArgs, dirs: &[PathBuf], device: &Device) -> Result<Draft> {
    let soup = Soup::open(dirs)?;
    let run = &soup.first;
    let dataset = run.config.dataset(&run.config.data)?;
    let validation = validation_posters(run, &dataset)?;
    let mut samples = Vec::new();
    if args.weights.may_be_compact() {
        let mut train = listed(run, "train.txt", &dataset)?;
        train.rows.truncate(SAMPLES);
        samples = posters::load(&train, &run.config.inference_input(), run.config.skip_bad)?;
    }
    let mut bundle = assemble(&soup, &dataset, &validation, device)?;
    bundle.manifest.training.licence = match &args.licence {
        Some(licence) => licence.clone(),
        None => inherited_licence(run.config.pretrained.as_deref())?,
    };
    let ids = run.evaluation_ids()?;
    let skip_bad = run.config.skip_bad;
    let [additional_train, additional_test] = run.additional_datasets(&dataset)?;
    for (index, genre) in bundle.manifest.genres.iter_mut().enumerate() {
        let rows = additional_train.iter().flat_map(|dataset| &dataset.rows);
        genre.additional_posters = rows.filter(|row| row.has(index)).count();
    }
    let mut additional_evaluation = Vec::new();
    for additional in &additional_test {
        additional_evaluation.extend(posters::load(additional, &bundle.manifest.input, skip_bad)?);
    }
    bundle.manifest.training.additional_test_posters = additional_evaluation.len();
    let evaluation = classified_posters::load(dataset, &bundle.manifest, Some(&ids), skip_bad)?;
    Ok(Draft { bundle, samples, validation, evaluation, additional_evaluation })
}

/// Returns the licence of weights that started from those in `pretrained`.
///
/// # Errors
/// The file is gone, or cannot be read: a bundle has a licence of its own.
fn inherited_licence(pretrained: Option<&Path>) -> Result<String> {
    let Some(path) = pretrained else {
        return Ok(format!("weights: MIT OR Apache-2.0; {POSTERS_RIGHTS}"));
    };
    let unknown = || {
        let path = path.display();
        format!("the licence of {path}, from which training started, is unknown; pass --licence")
    };
    path.metadata().with_context(unknown)?;
    Ok(match pretrained::read_bundle(path).with_context(unknown)? {
        Some(files) => files.into_parts().0.training.licence,
        None => format!("weights: {PRETRAINED_LICENCE}; {POSTERS_RIGHTS}"),
    })
}

/// Averages the runs' best weights. Returns a classifier, calibrated on the first run's validation posters, which are read
/// from `dataset`.
///
/// # Errors
/// Fails if the posters cannot be read, or if the runs cannot be averaged.
pub(crate) fn classifier(soup: &Soup, dataset: &Dataset, device: &Device) -> Result<Classifier> {
    let validation = validation_posters(&soup.first, dataset)?;
    Ok(Classifier::new(assemble(soup, dataset, &validation, device)?))
}

/// Returns the rows of `dataset` whose ids are in a list of the run, such as `train.txt`.
fn listed(run: &Run, list: &str, dataset: &Dataset) -> Result<Dataset> {
    Ok(dataset.with_ids(&poster_ids::read(&run.dir.join(list))?))
}

/// Loads the posters that chose the run's best epoch.
fn validation_posters(run: &Run, dataset: &Dataset) -> Result<Vec<Poster>> {
    let valid = listed(run, "valid.txt", dataset)?;
    posters::load(&valid, &run.config.inference_input(), run.config.skip_bad)
}

/// Returns the runs' best model with its manifest, in memory and in full precision, calibrated on `validation`.
///
/// Licence, metrics and the description of the weights are still empty.
fn assemble(
    soup: &Soup,
    dataset: &Dataset,
    validation: &[Poster],
    device: &Device,
) -> Result<Bundle> {
    let run = &soup.first;
    let config = &run.config;
    let (model, best) = soup.best_model(dataset.genres.len(), device)?;
    let train = listed(run, "train.txt", dataset)?;
    let genres = dataset.genres.iter().enumerate().map(|(index, name)| Genre {
        name: name.clone(),
        threshold: 0.5, // until calibration
        posters: train.rows.iter().filter(|row| row.has(index)).count(),
        additional_posters: 0, // until export
        labelled_posters: labelled_posters(&train.rows, index),
        quality: None, // until evaluation
    });
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        architecture: config.architecture.clone(),
        input: config.inference_input(),
        genres: genres.collect(),
        temperature: 1.0, // until calibration
        metrics: Vec::new(),
        additional_metrics: Vec::new(),
        training: training_record(soup, dataset, train.rows.len(), validation.len(), best.epoch)?,
        weights: WeightFile { file: "unwritten".into(), bytes: 0, sha256: String::new() },
    };
    calibrate(Bundle { manifest, model }, validation, device)
}

/// Returns the number of rows whose label of a genre is known, or `None` if it is known in all of them.
fn labelled_posters(rows: &[LabelRow], genre: usize) -> Option<usize> {
    let known = rows.iter().filter(|row| row.labels[genre].is_some()).count();
    (known < rows.len()).then_some(known)
}

/// Describes how the model was trained. The minutes are those of all runs together.
fn training_record(
    soup: &Soup,
    dataset: &Dataset,
    train_posters: usize,
    valid_posters: usize,
    epoch: usize,
) -> Result<Training> {
    let run = &soup.first;
    let config = &run.config;
    let mut seconds = 0.0;
    let mut settings = Vec::new();
    for run in soup.runs() {
        seconds += run.log()?.iter().map(|line| line.seconds).sum::<f64>();
        settings.push(run.config.settings()?);
    }
    let settings = match settings.len() {
        1 => settings.remove(0),
        _ => settings.into(),
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = config.additional.dirs.iter().map(|dir| name(dir)).collect();
    let additional =
        poster_ids::read(&run.dir.join("additional-train.txt")).unwrap_or_default().len();
    let also = match additional {
        0 => String::new(),
        count => format!(", and {count} additional ones from {}", names.join(", ")),
    };
    // Runs of older versions have no test split.
    let test = poster_ids::read(&run.dir.join("test.txt")).unwrap_or_default();
    Ok(Training {
        config: match soup.others.len() {
            0 => config.name.clone(),
            others => format!("{}, mean of {} runs", config.name, others + 1),
        },
        data: format!("{}: {} labelled posters{also}", name(&config.data), dataset.rows.len()),
        train_posters,
        additional_posters: additional,
        valid_posters,
        test_posters: dataset.with_ids(&test).rows.len(),
        additional_test_posters: 0, // until they are loaded
        epoch,
        device: run.device(),
        minutes: (seconds / 6.0).round() / 10.0,
        settings,
        licence: String::new(),
    })
}
