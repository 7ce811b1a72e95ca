//! What earlier runs answer about the posters that a new network learns from.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use marquee::metrics::sigmoid;

use crate::answers;
use crate::config::TeachingConfig;
use crate::posters::Poster;
use crate::run::Run;

/// By id, the mean of the teachers' probabilities. Empty without teachers.
///
/// # Errors
/// Where a teacher's run cannot be read, or it looks at posters of another size.
pub(crate) fn answers(
    config: &TeachingConfig,
    posters: &[Poster],
    device: &Device,
) -> Result<HashMap<String, Vec<f32>>> {
    let mut answers: HashMap<String, Vec<f32>> = HashMap::new();
    let genres = posters.first().map_or(0, |poster| poster.row.labels.len());
    let share = 1.0 / config.runs.len().max(1) as f32;
    for dir in &config.runs {
        let run = Run::open(dir)?;
        let (model, _) = run.best_model(genres, device)?;
        println!("asking the teacher {}", dir.display());
        let input = &run.config.input;
        let pixels = (input.width * input.height * 3) as usize;
        ensure!(
            posters.iter().all(|poster| poster.pixels.rgb.len() == pixels),
            "the teacher {} looks at posters of {} x {} pixels, not of this run's size",
            dir.display(),
            input.width,
            input.height
        );
        let logits = answers::logits(&model, posters, input, device)?;
        for (poster, logits) in posters.iter().zip(logits) {
            let means = answers.entry(poster.row.id.clone()).or_insert_with(|| vec![0.0; genres]);
            let means = means.iter_mut().zip(logits);
            means.for_each(|(mean, logit)| *mean += sigmoid(logit) * share);
        }
    }
    Ok(answers)
}
