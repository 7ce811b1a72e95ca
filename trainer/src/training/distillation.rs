//! Soft labels: the predictions of the teachers, which are earlier runs or bundles, for the training posters.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::metrics::sigmoid;
use marquee::{Bundle, Model, Preprocess};

use crate::data::dataset::Dataset;
use crate::data::loader::SoftLabels;
use crate::data::posters::{self, Poster};
use crate::inference;
use crate::training::config::DistillationConfig;
use crate::training::run_folder::Run;

/// Returns the mean probabilities of the teachers for the training posters, by poster id; empty without teachers. Each
/// teacher sees the posters at its own input size.
///
/// # Errors
/// A teacher cannot be read, or predicts other genres than the dataset has.
pub(crate) fn soft_labels(
    config: &DistillationConfig,
    datasets: &[Dataset],
    train: &[Poster],
    device: &Device,
) -> Result<SoftLabels> {
    let mut soft_labels = SoftLabels::new();
    let ids: HashSet<String> = train.iter().map(|poster| poster.row.id.clone()).collect();
    let datasets: Vec<Dataset> = datasets.iter().map(|dataset| dataset.with_ids(&ids)).collect();
    let Some(main) = datasets.first() else { return Ok(soft_labels) };
    let genres = main.genres.len();
    let weight = 1.0 / config.teachers.len().max(1) as f32;
    for dir in &config.teachers {
        let Teacher { model, input, temperature } = open(dir, main, device)?;
        println!("computing soft labels with the teacher {}", dir.display());
        for dataset in datasets.iter().filter(|dataset| !dataset.rows.is_empty()) {
            // Bad images were reported when the training posters were loaded.
            let posters = posters::load(dataset, &input, true)?;
            let logits = inference::logits(&model, &posters, &input, device)?;
            for (poster, logits) in posters.iter().zip(logits) {
                let means =
                    soft_labels.entry(poster.row.id.clone()).or_insert_with(|| vec![0.0; genres]);
                for (mean, logit) in means.iter_mut().zip(logits) {
                    *mean += sigmoid(logit / temperature) * weight;
                }
            }
        }
    }
    Ok(soft_labels)
}

struct Teacher {
    model: Model,
    input: Preprocess,
    temperature: f32,
}

/// Opens a teacher, which is a run if its folder holds a `config.toml`, and a bundle otherwise.
fn open(dir: &Path, dataset: &Dataset, device: &Device) -> Result<Teacher> {
    if dir.join("config.toml").is_file() {
        let run = Run::open(dir)?;
        let (model, _) = run.best_model(dataset.genres.len(), device)?;
        return Ok(Teacher { model, input: run.config.inference_input(), temperature: 1.0 });
    }
    let Bundle { manifest, model } = Bundle::read(dir, device)
        .with_context(|| format!("the teacher {} is neither a run nor a bundle", dir.display()))?;
    ensure!(
        dataset.genres.iter().eq(manifest.genres.iter().map(|genre| &genre.name)),
        "the teacher {} predicts other genres than {} has",
        dir.display(),
        dataset.dir.join("train.csv").display()
    );
    Ok(Teacher { model, input: manifest.input, temperature: manifest.temperature })
}
