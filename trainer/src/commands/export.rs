//! `trainer export`: writes a run as a bundle, or a bundle with another input size or precision.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::bundle::{GenreQuality, Metric, write_atomically};
use marquee::{Bundle, Evaluation, Manifest};

use crate::cli::ExportArgs;
use crate::device;
use crate::export::precision::Stored;
use crate::export::{Draft, from_bundle, from_runs};
use crate::formats::onnx::{self, OnnxOptions};

pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let draft = match (args.source.run.as_slice(), &args.source.bundle) {
        ([], Some(dir)) => from_bundle::draft(args, dir, &device)?,
        (runs, _) => from_runs::draft(args, runs, &device)?,
    };
    let Draft { mut bundle, samples, validation, evaluation, additional_evaluation } = draft;
    let stored = Stored::choose(args.weights, &bundle, &samples, &validation, &device)?;
    let evaluation = stored.evaluate(&bundle, &evaluation, &device)?;
    add_metrics(&mut bundle.manifest, &evaluation);
    if !additional_evaluation.is_empty() {
        let additional = stored.evaluate(&bundle, &additional_evaluation, &device)?;
        bundle.manifest.additional_metrics = additional.to_metrics();
    }
    let files = stored.encode(&bundle)?;
    files.write(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    if let Some(path) = &args.onnx {
        write_onnx(path, &args.out, &device)?;
    }
    print_summary(args, files.manifest());
    Ok(())
}

fn add_metrics(manifest: &mut Manifest, evaluation: &Evaluation) {
    manifest.metrics = evaluation.to_metrics();
    for (genre, metrics) in manifest.genres.iter_mut().zip(&evaluation.genres) {
        genre.quality = Some(GenreQuality {
            positives: metrics.positives,
            average_precision: (metrics.average_precision * 1e4).round() / 1e4,
        });
    }
}

/// Writes an ONNX file of the written bundle, so that both have the same, rounded weights.
fn write_onnx(path: &Path, bundle: &Path, device: &Device) -> Result<()> {
    let onnx = onnx::encode(&Bundle::read(bundle, device)?, OnnxOptions::default())?;
    write_atomically(path, &onnx).with_context(|| format!("--onnx {}", path.display()))?;
    println!("{}: {:.1} MB", path.display(), onnx.len() as f64 / 1e6);
    Ok(())
}

fn print_summary(args: &ExportArgs, manifest: &Manifest) {
    let weights = &manifest.weights;
    println!(
        "{}: {}, {:.1} MB of weights",
        args.out.display(),
        weights.file,
        weights.bytes as f64 / 1e6
    );
    if manifest.training.test_posters == 0 {
        println!(
            "validation metrics, and optimistic: there is no test split, and these posters chose the epoch, \
             the calibration and the thresholds"
        );
    }
    print_metrics(&manifest.metrics);
    if !manifest.additional_metrics.is_empty() {
        println!(
            "on {} posters of the additional test split, from other sources",
            manifest.training.additional_test_posters
        );
        print_metrics(&manifest.additional_metrics);
    }
}

fn print_metrics(metrics: &[Metric]) {
    for metric in metrics {
        let baseline =
            metric.baseline.map_or(String::new(), |value| format!(", baseline {value:8.4}"));
        println!("{:36} {:8.4}{baseline}", metric.name, metric.value);
    }
}
