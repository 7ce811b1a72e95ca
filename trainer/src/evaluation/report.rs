//! The HTML report of `trainer evaluate --report`: one self-contained page.

mod confidence_intervals;
mod mistakes;
mod plots;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use marquee::Evaluation;
use marquee::bundle::write_atomically;
use marquee::metrics::MIN_POSITIVES;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::classified_posters::ClassifiedPosters;
use crate::training::curves;
use crate::training::epoch_log::EpochRecord;

const STYLE: &str = include_str!("report/style.css");

/// Writes `dir/index.html` and returns its path.
///
/// `log` is the training log of a run, or empty. With `with_images`, the page shows the posters of the worst mistakes.
pub(crate) fn write(
    dir: &Path,
    classified: &ClassifiedPosters,
    evaluation: &Evaluation,
    log: &[EpochRecord],
    with_images: bool,
) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("--report {}", dir.display()))?;
    let path = dir.join("index.html");
    let page = page(classified, evaluation, log, with_images)?;
    write_atomically(&path, page.into_string().as_bytes())?;
    Ok(path)
}

fn page(
    classified: &ClassifiedPosters,
    evaluation: &Evaluation,
    log: &[EpochRecord],
    with_images: bool,
) -> Result<Markup> {
    let training = &classified.manifest.training;
    let name = classified.manifest.architecture.name();
    let predictions = classified.predictions();
    let names = classified.genre_names();
    let has_enough_posters = |genre: &usize| evaluation.genres[*genre].positives >= MIN_POSITIVES;
    let frequent_genres: Vec<usize> = (0..names.len()).filter(has_enough_posters).collect();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (name) ", evaluated on " (evaluation.posters) " posters" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (name) }
                    p {
                        "Evaluated on " (evaluation.posters) " posters. Trained on "
                        (training.train_posters + training.additional_posters) " posters (" (training.data)
                        ") with configuration " (training.config) ", epoch " (training.epoch)
                        ", on " (training.device) "."
                    }
                }
                section {
                    h2 { "Metrics" }
                    (tables::metrics(classified, evaluation))
                }
                section {
                    h2 { "Genres" }
                    (tables::genres(evaluation))
                }
                section {
                    h2 { "Precision and recall" }
                    p {
                        "Precision against recall for each genre with at least " (MIN_POSITIVES)
                        " posters. The dashed line is the baseline, the genre's frequency."
                    }
                    figure { (svg(plots::precision_recall(&predictions, &names, &frequent_genres)?)) }
                }
                section {
                    h2 { "Reliability" }
                    p {
                        "How often predictions are true, by predicted probability, over all genres. \
                         A perfectly calibrated model follows the diagonal. The bars count the \
                         predictions on a logarithmic scale."
                    }
                    figure.narrow { (svg(plots::reliability(&predictions.reliability())?)) }
                }
                section {
                    h2 { "Genres that occur together" }
                    p {
                        "Share of the row genre's posters that also have the column genre: labels on \
                         the left, predictions on the right."
                    }
                    figure { (svg(plots::co_occurrence(classified, &names)?)) }
                }
                @if !log.is_empty() {
                    section {
                        h2 { "Training curves" }
                        figure { (svg(curves::svg(log)?)) }
                    }
                }
                section {
                    h2 { "Worst mistakes" }
                    (mistakes::section(classified, &names, with_images)?)
                }
            }
        }
    })
}

fn svg(svg: String) -> Markup {
    PreEscaped(svg)
}
