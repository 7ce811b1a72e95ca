//! `trainer evaluate --report`: one HTML page, in one piece, that shows what a network can and cannot do.

mod intervals;
mod plots;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use marquee::Evaluation;
use marquee::bundle::write_atomically;
use marquee::metrics::MIN_POSITIVES;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::data::posters::Poster;
use crate::commands::evaluate::Judged;
use crate::training::curves;
use crate::training::epoch_log::Line;

/// Mistakes that are shown of either kind.
const MISTAKES: usize = 12;

/// Of the posters that are drawn for the intervals.
const SEED: u64 = 1;

const STYLE: &str = include_str!("report/style.css");

/// Writes `dir/index.html` and gives its path. `lines` is the training's log, where there is one.
pub(crate) fn write(
    dir: &Path,
    judged: &Judged,
    report: &Evaluation,
    lines: &[Line],
    with_images: bool,
) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("--report {}", dir.display()))?;
    let path = dir.join("index.html");
    let page = page(judged, report, lines, with_images)?;
    write_atomically(&path, page.into_string().as_bytes())?;
    Ok(path)
}

fn page(judged: &Judged, report: &Evaluation, lines: &[Line], with_images: bool) -> Result<Markup> {
    let training = &judged.manifest.training;
    let name = judged.manifest.architecture.name();
    let answers = judged.answers();
    let names = judged.genre_names();
    let enough: Vec<usize> =
        (0..names.len()).filter(|&genre| report.genres[genre].positives >= MIN_POSITIVES).collect();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (name) " on " (report.posters) " posters" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (name) }
                    p {
                        "Judged on " (report.posters) " posters. Trained on " (training.train_posters)
                        " (" (training.data) ") with the configuration " (training.config)
                        ", epoch " (training.epoch) ", on " (training.device) "."
                    }
                }
                (figures(judged, report))
                section {
                    h2 { "Genres" }
                    (genre_table(report))
                }
                section {
                    h2 { "Precision and recall" }
                    p { "Each genre with at least " (MIN_POSITIVES) " posters; the dashed line is guessing." }
                    figure { (svg(plots::precision_recall(&answers, &names, &enough)?)) }
                }
                section {
                    h2 { "Reliability" }
                    p {
                        "How often answers come true, by their probability, all genres together: on the \
                         diagonal a probability means what it says. The bars count the answers, on a \
                         logarithmic scale."
                    }
                    figure.narrow { (svg(plots::reliability(&answers.reliability())?)) }
                }
                section {
                    h2 { "Which genres come together" }
                    p {
                        "Share of a row's posters that also have the column's genre: left as labelled, right \
                         as answered."
                    }
                    figure { (svg(plots::co_occurrence(judged, &names)?)) }
                }
                @if !lines.is_empty() {
                    section {
                        h2 { "Learning" }
                        figure { (svg(curves::svg(lines)?)) }
                    }
                }
                section {
                    h2 { "The surest mistakes" }
                    (mistakes(judged, &names, with_images)?)
                }
            }
        }
    })
}

fn svg(svg: String) -> Markup {
    PreEscaped(svg)
}

fn figures(judged: &Judged, report: &Evaluation) -> Markup {
    let intervals = intervals::of(judged.answers(), SEED);
    let frequent = report.most_frequent_genres.join(", ");
    html! {
        section {
            h2 { "Figures" }
            p {
                "Beside what guessing scores on the same posters: each genre's frequency for every poster, and \
                 always the two most frequent genres. In brackets the range in which 95 % of the figures lie \
                 when posters are drawn anew."
            }
            table {
                thead {
                    tr { th { "" } th { "network" } th { "frequencies" } th { "always " (frequent) } }
                }
                tbody {
                    @for (line, (low, high)) in report.rows().iter().zip(intervals) {
                        tr class=(if line.is_worse() { "worse" } else { "" }) {
                            th { (line.name) @if !line.figure.higher_is_better { small { " lower is better" } } }
                            td {
                                b { (decimals(line.model)) }
                                small { " [" (decimals(low)) ", " (decimals(high)) "]" }
                            }
                            td { (decimals(line.priors)) }
                            td { (decimals(line.most_frequent)) }
                        }
                    }
                }
            }
        }
    }
}

fn genre_table(report: &Evaluation) -> Markup {
    let mut genres: Vec<_> = report.genres.iter().collect();
    genres.sort_by_key(|genre| std::cmp::Reverse(genre.positives));
    html! {
        p {
            "A genre with fewer than " (MIN_POSITIVES) " posters here is paler: its figures are mostly chance. \
             The tick on a bar is what guessing scores."
        }
        table {
            thead {
                tr {
                    th { "genre" } th { "posters" } th.wide { "average precision" } th { "AUROC" }
                    th { "threshold" } th { "answered" } th { "precision" } th { "recall" } th { "F1" }
                }
            }
            tbody {
                @for genre in genres {
                    tr class=(if genre.positives < MIN_POSITIVES { "few" } else { "" }) {
                        th { (genre.genre) }
                        td { (genre.positives) }
                        td {
                            (decimals(genre.average_precision)) " "
                            span.bar {
                                span.value style=(format!("width:{:.1}%", genre.average_precision * 100.0)) {}
                                span.tick style=(format!(
                                    "left:{:.1}%",
                                    genre.positives as f64 / report.posters as f64 * 100.0
                                )) {}
                            }
                        }
                        td { (decimals(genre.auroc)) }
                        td { (format!("{:.2}", genre.threshold)) }
                        td { (genre.predicted) }
                        td { (decimals(genre.precision)) }
                        td { (decimals(genre.recall)) }
                        td { (decimals(genre.f1)) }
                    }
                }
            }
        }
    }
}

fn decimals(value: f64) -> String {
    format!("{value:.3}")
}

/// Answers that were far off: the highest probabilities of genres that are not there, and the lowest of
/// genres that are.
fn mistakes(judged: &Judged, names: &[String], with_images: bool) -> Result<Markup> {
    let mut false_alarms = Vec::new();
    let mut misses = Vec::new();
    for (poster, labels) in judged.labels.iter().enumerate() {
        for (genre, &label) in labels.iter().enumerate() {
            let probability = judged.probabilities[poster][genre];
            if label { &mut misses } else { &mut false_alarms }.push((probability, poster, genre));
        }
    }
    false_alarms.sort_by(|a, b| b.0.total_cmp(&a.0));
    misses.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(html! {
        h3 { "Said to be there, and is not" }
        (gallery(judged, names, &false_alarms, with_images)?)
        h3 { "Is there, and was not seen" }
        (gallery(judged, names, &misses, with_images)?)
    })
}

fn gallery(
    judged: &Judged,
    names: &[String],
    mistakes: &[(f32, usize, usize)],
    with_images: bool,
) -> Result<Markup> {
    let cards = mistakes.iter().take(MISTAKES).map(|&(probability, index, genre)| {
        let poster = &judged.posters[index];
        let present = names.iter().zip(&poster.row.labels).filter(|(_, label)| **label);
        let present: Vec<&str> = present.map(|(name, _)| name.as_str()).collect();
        let image = if with_images { Some(thumbnail(judged, poster)?) } else { None };
        anyhow::Ok(html! {
            li {
                @if let Some(image) = image { img src=(image) alt=(poster.row.id) loading="lazy"; }
                b { (names[genre]) " " (format!("{:.1} %", probability * 100.0)) }
                span { (poster.row.id) ": " (present.join(", ")) }
            }
        })
    });
    let cards: Vec<Markup> = cards.collect::<Result<_>>()?;
    Ok(html! { ul.mistakes { @for card in cards { (card) } } })
}

fn thumbnail(judged: &Judged, poster: &Poster) -> Result<String> {
    let input = &judged.manifest.input;
    let mut jpeg = Vec::new();
    let encoder = &mut JpegEncoder::new_with_quality(&mut jpeg, 80);
    encoder.encode(&poster.pixels.rgb, input.width, input.height, ExtendedColorType::Rgb8)?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}
