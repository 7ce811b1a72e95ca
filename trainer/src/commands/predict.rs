//! `trainer predict`: the top genres of any image files. A bad file gets its message; the rest goes on.

use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use marquee::{Bundle, Classifier, Manifest, Prediction, bundle};
use serde_json::{Value, json};

use crate::cli::PredictArgs;
use crate::device;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let classifier = open(&args.bundle, device)
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;

    let mut failed = 0;
    let mut answers = Vec::new();
    for path in &args.images {
        let image = path.display().to_string();
        let read = std::fs::read(path).map_err(anyhow::Error::from);
        let answer = read.and_then(|bytes| Ok(pollster::block_on(classifier.classify(&bytes))?));
        match answer {
            Ok(mut genres) => {
                genres.truncate(args.top);
                if args.json {
                    answers.push(json!({ "image": image, "genres": genres }));
                } else {
                    println!("{}", line(&image, &genres));
                }
            }
            Err(error) => {
                failed += 1;
                if args.json {
                    answers.push(json!({ "image": image, "error": format!("{error:#}") }));
                } else {
                    eprintln!("{image}: {error:#}");
                }
            }
        }
    }
    if args.json {
        println!("{:#}", Value::Array(answers));
    }
    if failed > 0 {
        bail!("{failed} of {} images could not be classified", args.images.len());
    }
    Ok(())
}

/// The bundle on `device`; on the CPU as the page computes there, so that the answers are the same.
fn open(path: &Path, device: Device) -> marquee::Result<Classifier> {
    if device != Device::flex() {
        return Ok(Classifier::new(Bundle::read(path, &device)?, device));
    }
    let (manifest, weights) = bundle::read_parts(path)?;
    let manifest = Manifest::from_json(&manifest)?;
    manifest.weights.check(&weights)?;
    Classifier::on_cpu(manifest, &weights)
}

fn line(image: &str, genres: &[Prediction]) -> String {
    let genres = genres.iter().map(|p| format!("{} {:.1} %", p.genre, p.probability * 100.0));
    format!("{image}: {}", genres.collect::<Vec<_>>().join(", "))
}
