//! `trainer export`: a run's best epoch to the bundle that the browser loads.

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::bundle::{FORMAT_VERSION, Genre, Training, Weights};
use marquee::{Bundle, Classifier, Manifest};

use crate::cli::ExportArgs;
use crate::dataset::Dataset;
use crate::device;
use crate::evaluate::{self, Report};
use crate::run::Run;

pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let run = Run::open(&args.run)?;
    let dataset = Dataset::read(&run.config.data, run.config.limit)?;
    let (device, _) = device::open(args.device)?;
    let mut bundle = assemble(&run, &dataset, &device)?;
    bundle.manifest.training.licence.clone_from(&args.licence);
    let named = || format!("--out {}", args.out.display());
    bundle.write(&args.out).with_context(named)?;

    // Judged as it was written, in half precision; the figures then complete the manifest.
    let written = Bundle::read(&args.out, &device).with_context(named)?;
    let valid = evaluate::read_ids(&run.dir.join("valid.txt"))?;
    let posters = evaluate::load(dataset, &written.manifest, Some(&valid), run.config.skip_bad)?;
    bundle.manifest.metrics =
        Report::measure(&Classifier::new(written, device), &posters)?.to_manifest();
    bundle.write(&args.out).with_context(named)?;

    let weights = &bundle.manifest.weights;
    println!(
        "{}: {} and {:.1} MB of weights",
        args.out.display(),
        weights.file,
        weights.bytes as f64 / 1e6
    );
    for metric in &bundle.manifest.metrics {
        println!("{:36} {:8.4}, guessing {:8.4}", metric.name, metric.value, metric.baseline);
    }
    Ok(())
}

/// The run's best network with its manifest, in memory and in full precision.
pub(crate) fn assemble(run: &Run, dataset: &Dataset, device: &Device) -> Result<Bundle> {
    let config = &run.config;
    let (model, best) = run.best_model(dataset.genres.len(), device)?;
    let train = evaluate::read_ids(&run.dir.join("train.txt"))?;
    let valid = evaluate::read_ids(&run.dir.join("valid.txt"))?;
    let trained = || dataset.rows.iter().filter(|row| train.contains(&row.id));
    let genres = dataset.genres.iter().enumerate().map(|(index, name)| Genre {
        name: name.clone(),
        threshold: 0.5,
        posters: trained().filter(|row| row.labels[index]).count(),
    });
    let data = config.data.file_name().unwrap_or_default().to_string_lossy();
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        architecture: config.architecture.clone(),
        input: config.input.clone(),
        genres: genres.collect(),
        temperature: 1.0,
        metrics: Vec::new(),
        training: Training {
            config: config.name.clone(),
            data: format!("{data}: {} labelled posters", dataset.rows.len()),
            train_posters: trained().count(),
            valid_posters: dataset.rows.iter().filter(|row| valid.contains(&row.id)).count(),
            epoch: best.epoch,
            device: run.device(),
            licence: String::new(),
        },
        weights: Weights { file: "unwritten".into(), bytes: 0, sha256: String::new() },
    };
    Ok(Bundle { manifest, model })
}
