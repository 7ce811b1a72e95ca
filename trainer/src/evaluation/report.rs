//! The HTML report of `trainer evaluate --report`: one self-contained page.
//!
//! | file | contents |
//! |---|---|
//! | `summary` | the most important metrics, large |
//! | `tables` | all metrics beside the baselines, and the metrics of each genre |
//! | `comparison` | the differences to another predictor |
//! | `bars` | values, intervals and baselines on a line |
//! | `plots` | precision and recall, reliability, genres that occur together |
//! | `mistakes` | the worst mistakes |

mod bars;
mod comparison;
mod mistakes;
mod plots;
mod summary;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use marquee::Manifest;
use marquee::bundle::write_atomically;
use marquee::metrics::MIN_POSITIVES;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::classified_posters::ClassifiedPosters;
use super::posters_to_evaluate::Origin;
use super::result::EvaluationResult;
use crate::training::curves;
use crate::training::epoch_log::EpochRecord;

const STYLE: &str = include_str!("report/style.css");

/// What the report is about.
pub(crate) struct About<'a> {
    /// The predictor, as it was named on the command line.
    pub(crate) name: &'a str,
    /// `None` for answers.
    pub(crate) manifest: Option<&'a Manifest>,
    /// The training log of a run, or empty.
    pub(crate) log: &'a [EpochRecord],
    /// Whether the page shows the posters of the worst mistakes.
    pub(crate) with_images: bool,
}

/// Writes `dir/index.html` and returns its path. The first of `evaluated` is the main one.
pub(crate) fn write(
    dir: &Path,
    about: &About<'_>,
    evaluated: &[(ClassifiedPosters, EvaluationResult)],
) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("--report {}", dir.display()))?;
    let path = dir.join("index.html");
    let page = page(about, evaluated)?;
    write_atomically(&path, page.into_string().as_bytes())?;
    Ok(path)
}

fn page(about: &About<'_>, evaluated: &[(ClassifiedPosters, EvaluationResult)]) -> Result<Markup> {
    let (main, others) = evaluated.split_first().context("nothing was evaluated")?;
    let title = about.manifest.map_or(about.name, |manifest| manifest.architecture.name());
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) ", evaluated on " (main.1.evaluation.posters) " posters" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p { (provenance(about)) }
                }
                (numbers(&main.1))
                @for (_, result) in others { (numbers(result)) }
                (pictures(about, &main.0, &main.1)?)
            }
        }
    })
}

/// Says what was evaluated, and how a model was trained.
fn provenance(about: &About<'_>) -> Markup {
    let Some(manifest) = about.manifest else {
        return html! {
            "Answers from " code { (about.name) } ". Baselines know the genres' frequencies among these \
             posters."
        };
    };
    let training = &manifest.training;
    html! {
        code { (about.name) } ": trained on " (training.train_posters) " posters"
        @if training.additional_posters > 0 { " and " (training.additional_posters) " additional ones" }
        " (" (training.data) ") with configuration " (training.config) ", epoch " (training.epoch)
        @if !training.device.is_empty() { ", on " (training.device) }
        "."
    }
}

/// Everything about one set of posters that is a number.
fn numbers(result: &EvaluationResult) -> Markup {
    let posters = result.evaluation.posters;
    let (title, note) = match result.split {
        Origin::Test => ("Test split", "Nothing was fitted on these posters."),
        Origin::Validation => ("Validation split", ""),
        Origin::AdditionalTest => (
            "Additional test split",
            "Posters of other sources than those that the model is meant for: how well it travels.",
        ),
        Origin::Given => ("Quality", ""),
    };
    html! {
        section {
            h2 { (title) small { " " (posters) " posters" } }
            @if result.split == Origin::Validation {
                p.warning {
                    b { "Validation metrics. " }
                    "The run has no test split. These posters also chose the epoch, the calibration and \
                     the thresholds, so the metrics are optimistic."
                }
            }
            @if !note.is_empty() { p { (note) } }
            (summary::cards(result))
        }
        @if let Some(comparison) = &result.against {
            section { (comparison::section(comparison)) }
        }
        section {
            h3 { "All metrics" }
            (tables::metrics(result))
        }
        section {
            h3 { "Genres" }
            (tables::genres(result))
        }
    }
}

/// Everything about the main posters that is a picture.
fn pictures(
    about: &About<'_>,
    classified: &ClassifiedPosters,
    result: &EvaluationResult,
) -> Result<Markup> {
    let predictions = classified.predictions();
    let names = classified.genre_names();
    let genres = &result.evaluation.genres;
    let has_enough_posters = |genre: &usize| genres[*genre].positives >= MIN_POSITIVES;
    let frequent_genres: Vec<usize> = (0..names.len()).filter(has_enough_posters).collect();
    Ok(html! {
        @if !frequent_genres.is_empty() {
            section {
                h2 { "Precision and recall" }
                p {
                    "Precision against recall for each genre with at least " (MIN_POSITIVES)
                    " posters, whose number is in brackets. The dashed line is the baseline, the genre's frequency."
                }
                figure { (svg(plots::precision_recall(&predictions, &names, &frequent_genres)?)) }
            }
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
        @if !about.log.is_empty() {
            section {
                h2 { "Training curves" }
                figure { (svg(curves::svg(about.log)?)) }
            }
        }
        section {
            h2 { "Worst mistakes" }
            (mistakes::section(classified, &names, about.with_images)?)
        }
    })
}

fn svg(svg: String) -> Markup {
    PreEscaped(svg)
}
