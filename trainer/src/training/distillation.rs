//! What earlier runs, or bundles, answer about the posters that a new network learns from.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::metrics::sigmoid;
use marquee::{Bundle, Model, Preprocess};

use crate::data::dataset::Dataset;
use crate::data::posters;
use crate::data::posters::Poster;
use crate::inference;
use crate::training::config::TeachingConfig;
use crate::training::run_folder::Run;

/// By id, the mean of the teachers' probabilities. Empty without teachers. Each looks at the posters in its own
/// size.
///
/// # Errors
/// Where a teacher cannot be read, or tells other genres.
pub(crate) fn answers(
    config: &TeachingConfig,
    dataset: &Dataset,
    taught: &[Poster],
    device: &Device,
) -> Result<HashMap<String, Vec<f32>>> {
    let mut answers: HashMap<String, Vec<f32>> = HashMap::new();
    let ids: HashSet<String> = taught.iter().map(|poster| poster.row.id.clone()).collect();
    let dataset = dataset.only(&ids);
    let genres = dataset.genres.len();
    let share = 1.0 / config.runs.len().max(1) as f32;
    for dir in &config.runs {
        let Teacher { model, input, temperature } = open(dir, &dataset, device)?;
        println!("asking the teacher {}", dir.display());
        // Whose image is bad was said before.
        let posters = posters::load(&dataset, &input, true)?;
        let logits = inference::logits(&model, &posters, &input, device)?;
        for (poster, logits) in posters.iter().zip(logits) {
            let means = answers.entry(poster.row.id.clone()).or_insert_with(|| vec![0.0; genres]);
            let means = means.iter_mut().zip(logits);
            means.for_each(|(mean, logit)| *mean += sigmoid(logit / temperature) * share);
        }
    }
    Ok(answers)
}

struct Teacher {
    model: Model,
    input: Preprocess,
    temperature: f32,
}

fn open(dir: &Path, dataset: &Dataset, device: &Device) -> Result<Teacher> {
    if dir.join("config.toml").is_file() {
        let run = Run::open(dir)?;
        let (model, _) = run.best_model(dataset.genres.len(), device)?;
        return Ok(Teacher { model, input: run.config.judged_input(), temperature: 1.0 });
    }
    let Bundle { manifest, model } = Bundle::read(dir, device)
        .with_context(|| format!("the teacher {} is neither a run nor a bundle", dir.display()))?;
    ensure!(
        dataset.genres.iter().eq(manifest.genres.iter().map(|genre| &genre.name)),
        "the teacher {} tells other genres than {} has",
        dir.display(),
        dataset.dir.join("train.csv").display()
    );
    Ok(Teacher { model, input: manifest.input, temperature: manifest.temperature })
}
