//! `trainer export`: a run's best epoch to the bundle that the browser loads; or a bundle to one that looks at
//! posters of another size or keeps its weights otherwise.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::bundle::write_atomically;
use marquee::bundle::{FORMAT_VERSION, Genre, GenreQuality, Training, WeightFile};
use marquee::{Bundle, Classifier, Evaluation, Manifest, Precision, Preprocess};

use crate::evaluation::calibration::{self, Calibration};
use crate::cli::{ExportArgs, WeightsArg};
use crate::data::dataset::Dataset;
use crate::data::posters::{self, Poster};
use crate::data::split::Split;
use crate::commands::evaluate::{self, Judged};
use crate::inference;
use crate::training::config::takes_any_size;
use crate::training::run_folder::Run;
use crate::training::soup::Soup;
use crate::device;
use crate::formats::onnx;

const PRETRAINED_LICENCE: &str =
    "Apache-2.0, fine-tuned from EfficientNet-Lite (Apache-2.0, The TensorFlow Authors)";
const POSTERS_RIGHTS: &str = "the posters that it was trained on belong to their owners";

/// What 8-bit weights may cost: of the mean average precision on the validation posters.
const MAX_LOSS: f64 = 0.002;

pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let Exported { mut bundle, valid, judging } =
        match (args.source.run.as_slice(), &args.source.bundle) {
            ([], Some(dir)) => from_bundle(args, dir, &device)?,
            (runs, _) => from_runs(args, runs, &device)?,
        };
    let precision = match args.weights {
        WeightsArg::Auto => choose_precision(&mut bundle, &valid, &device)?,
        WeightsArg::Half => Precision::Half,
        WeightsArg::Int8 => Precision::Int8,
    };

    // Judged as it is written; the figures then complete the manifest.
    let report = judge(&mut bundle, precision, &judging, &device)?;
    bundle.manifest.metrics = report.to_metrics();
    for (genre, figures) in bundle.manifest.genres.iter_mut().zip(&report.genres) {
        genre.quality = Some(GenreQuality {
            positives: figures.positives,
            average_precision: (figures.average_precision * 1e4).round() / 1e4,
        });
    }
    bundle.write(&args.out, precision).with_context(|| format!("--out {}", args.out.display()))?;

    if let Some(path) = &args.onnx {
        // Of the weights as they were written.
        let onnx = onnx::encode(&Bundle::read(&args.out, &device)?)?;
        write_atomically(path, &onnx).context("--onnx")?;
        println!("{}: {:.1} MB", path.display(), onnx.len() as f64 / 1e6);
    }

    let weights = &bundle.manifest.weights;
    println!(
        "{}: {} and {:.1} MB of weights",
        args.out.display(),
        weights.file,
        weights.bytes as f64 / 1e6
    );
    for metric in &bundle.manifest.metrics {
        let beside =
            metric.baseline.map_or(String::new(), |value| format!(", guessing {value:8.4}"));
        println!("{:36} {:8.4}{beside}", metric.name, metric.value);
    }
    Ok(())
}

/// What is exported.
struct Exported {
    bundle: Bundle,
    /// The posters that temperature and thresholds were fitted on.
    valid: Vec<Poster>,
    /// Those that judge.
    judging: Vec<Poster>,
}

fn from_runs(args: &ExportArgs, dirs: &[PathBuf], device: &Device) -> Result<Exported> {
    let soup = Soup::open(dirs)?;
    let run = &soup.first;
    let dataset = Dataset::read(&run.config.data, run.config.limit)?;
    let valid = validation_posters(run, &dataset)?;
    let mut bundle = assemble(&soup, &dataset, &valid, device)?;
    bundle.manifest.training.licence = match (&args.licence, &run.config.pretrained) {
        (Some(licence), _) => licence.clone(),
        (None, Some(_)) => format!("weights: {PRETRAINED_LICENCE}; {POSTERS_RIGHTS}"),
        (None, None) => format!("weights: MIT OR Apache-2.0; {POSTERS_RIGHTS}"),
    };
    let ids = run.judging_ids()?;
    let judging = evaluate::load(dataset, &bundle.manifest, Some(&ids), run.config.skip_bad)?;
    Ok(Exported { bundle, valid, judging })
}

/// A bundle with another input size; temperature and thresholds are fitted anew, on the posters that they were
/// fitted on before.
fn from_bundle(args: &ExportArgs, dir: &Path, device: &Device) -> Result<Exported> {
    let mut bundle = Bundle::read(dir, device).with_context(|| dir.display().to_string())?;
    let manifest = &mut bundle.manifest;
    if let Some([width, height]) = args.input {
        let name = manifest.architecture.name();
        ensure!(
            takes_any_size(&manifest.architecture),
            "--input {width}x{height}: a {name} takes posters of one size alone"
        );
        let settings = &mut manifest.training.settings;
        let before = settings["enlarge"].as_f64().unwrap_or(1.0);
        let enlarge = before * f64::from(width) / f64::from(manifest.input.width);
        settings["enlarge"] = ((enlarge * 1e4).round() / 1e4).into();
        manifest.input = Preprocess { width, height, ..manifest.input.clone() };
    }
    if let Some(licence) = &args.licence {
        manifest.training.licence.clone_from(licence);
    }
    let data = args.data.as_deref().context("--data is missing")?;
    let Split { valid, test, .. } =
        Split::again(manifest, &Dataset::read(data, None)?, args.skip_bad)?;
    let bundle = calibrate(bundle, &valid, device)?;
    let judging = if test.is_empty() { valid.clone() } else { test };
    Ok(Exported { bundle, valid, judging })
}

/// Fits the temperature, what each genre's logits need, which the last layer takes over, and the thresholds on the
/// posters in `valid`.
fn calibrate(bundle: Bundle, valid: &[Poster], device: &Device) -> Result<Bundle> {
    let Bundle { mut manifest, model } = bundle;
    let logits = inference::logits(&model, valid, &manifest.input, device)?;
    let labels: Vec<Vec<bool>> = valid.iter().map(|poster| poster.row.labels.clone()).collect();
    let trained_on = manifest.training.train_posters.max(1) as f32;
    let frequencies: Vec<f32> =
        manifest.genres.iter().map(|genre| genre.posters as f32 / trained_on).collect();
    let calibration = Calibration::fit(&logits, &labels, &frequencies);
    let probabilities = |row: &Vec<f32>| -> Vec<f32> {
        let row = row.iter().enumerate();
        row.map(|(genre, &logit)| calibration.probability(genre, logit)).collect()
    };
    let probabilities: Vec<Vec<f32>> = logits.iter().map(probabilities).collect();
    let thresholds = calibration::fit_thresholds(&probabilities);
    for (genre, threshold) in manifest.genres.iter_mut().zip(thresholds) {
        genre.threshold = threshold;
    }
    manifest.temperature = calibration.temperature;
    let shifts: Vec<f32> = calibration.genres.iter().map(|genre| genre.shift).collect();
    let scales: Vec<f32> = calibration.genres.iter().map(|genre| genre.scale).collect();
    Ok(Bundle { manifest, model: model.calibrated(&shifts, &scales) })
}

/// The figures of a bundle as it would be read back.
fn judge(
    bundle: &mut Bundle,
    precision: Precision,
    posters: &[Poster],
    device: &Device,
) -> Result<Evaluation> {
    let posters = posters.to_vec();
    let (manifest, weights) = pollster::block_on(bundle.to_parts(precision))?;
    let read = Bundle::from_parts(&manifest, &weights, device)?;
    Ok(Judged::ask(&Classifier::new(read, device.clone()), posters)?.evaluate())
}

fn choose_precision(bundle: &mut Bundle, valid: &[Poster], device: &Device) -> Result<Precision> {
    let mut ranking = |precision| {
        let report = judge(bundle, precision, valid, device)?;
        anyhow::Ok(report.model.mean_average_precision)
    };
    let (half, int8) = (ranking(Precision::Half)?, ranking(Precision::Int8)?);
    println!(
        "mean average precision, validation: {half:.4} in half precision, {int8:.4} in 8 bits"
    );
    Ok(if half - int8 < MAX_LOSS { Precision::Int8 } else { Precision::Half })
}

/// The posters that a run chose its best epoch on.
pub(crate) fn validation_posters(run: &Run, dataset: &Dataset) -> Result<Vec<Poster>> {
    let ids = evaluate::read_ids(&run.dir.join("valid.txt"))?;
    posters::load(&dataset.only(&ids), &run.config.judged_input(), run.config.skip_bad)
}

/// The runs' best network with its manifest, in memory and in full precision. Temperature and thresholds are
/// fitted on the posters in `valid`.
pub(crate) fn assemble(
    soup: &Soup,
    dataset: &Dataset,
    valid: &[Poster],
    device: &Device,
) -> Result<Bundle> {
    let run = &soup.first;
    let config = &run.config;
    let (model, best) = soup.best_model(dataset.genres.len(), device)?;
    let input = config.judged_input();
    let train = dataset.only(&evaluate::read_ids(&run.dir.join("train.txt"))?);
    let genres = dataset.genres.iter().enumerate().map(|(index, name)| Genre {
        name: name.clone(),
        threshold: 0.5, // until it is fitted
        posters: train.rows.iter().filter(|row| row.labels[index]).count(),
        quality: None, // once it is judged
    });
    let data = config.data.file_name().unwrap_or_default().to_string_lossy();
    let test = evaluate::read_ids(&run.dir.join("test.txt")).unwrap_or_default();
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
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        architecture: config.architecture.clone(),
        input,
        genres: genres.collect(),
        temperature: 1.0, // until it is fitted
        metrics: Vec::new(),
        training: Training {
            config: match soup.others.len() {
                0 => config.name.clone(),
                others => format!("{}, mean of {} runs", config.name, others + 1),
            },
            data: format!("{data}: {} labelled posters", dataset.rows.len()),
            train_posters: train.rows.len(),
            valid_posters: valid.len(),
            test_posters: dataset.only(&test).rows.len(),
            epoch: best.epoch,
            device: run.device(),
            minutes: (seconds / 6.0).round() / 10.0,
            settings,
            licence: String::new(),
        },
        weights: WeightFile { file: "unwritten".into(), bytes: 0, sha256: String::new() },
    };
    calibrate(Bundle { manifest, model }, valid, device)
}
