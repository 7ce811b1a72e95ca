//! `trainer predict`: prints the most probable genres of image files. A file that cannot be classified is reported,
//! and the others are still classified.

mod soft_labels;

use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use marquee::{Bundle, Classifier, Manifest, Prediction, bundle};
use serde_json::{Value, json};

use crate::cli::PredictArgs;
use crate::device;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    if let Some(path) = &args.soft_labels.soft_labels {
        return soft_labels::write(args, path, &device);
    }
    let classifier = open(&args.bundle, device)
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;

    let mut failed = 0;
    let mut results = Vec::new();
    for path in &args.images {
        let image = path.display().to_string();
        match classify(&classifier, path) {
            Ok(mut genres) => {
                genres.truncate(args.top);
                if args.json {
                    results.push(json!({ "image": image, "genres": genres }));
                } else {
                    println!("{}", format_line(&image, &genres));
                }
            }
            Err(error) => {
                failed += 1;
                if args.json {
                    results.push(json!({ "image": image, "error": format!("{error:#}") }));
                } else {
                    eprintln!("{image}: {error:#}");
                }
            }
        }
    }
    if args.json {
        println!("{:#}", Value::Array(results));
    }
    if failed > 0 {
        bail!("{failed} of {} images could not be classified", args.images.len());
    }
    Ok(())
}

/// Opens the bundle on `device`. On the CPU, it runs the same code as the page, so that both return the same
/// probabilities.
fn open(path: &Path, device: Device) -> marquee::Result<Classifier> {
    if device != Device::flex() {
        return Ok(Classifier::new(Bundle::read(path, &device)?, device));
    }
    let (manifest, weights) = bundle::read_parts(path)?;
    let manifest = Manifest::from_json(&manifest)?;
    manifest.weights.check(&weights)?;
    Classifier::on_cpu(manifest, &weights)
}

fn classify(classifier: &Classifier, path: &Path) -> Result<Vec<Prediction>> {
    let bytes = std::fs::read(path)?;
    Ok(pollster::block_on(classifier.classify(&bytes))?)
}

fn format_line(image: &str, genres: &[Prediction]) -> String {
    let genres = genres.iter().map(|p| format!("{} {:.1}%", p.genre, p.probability * 100.0));
    format!("{image}: {}", genres.collect::<Vec<_>>().join(", "))
}
