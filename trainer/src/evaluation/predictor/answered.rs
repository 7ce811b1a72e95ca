//! Answers beside the labels of the posters that they are about.

use anyhow::{Context, Result, bail, ensure};
use marquee::metrics::{EvaluatedGenre, LabelRow};

use crate::evaluation::classified_posters::{ClassifiedPosters, Images};
use crate::evaluation::thresholds;
use crate::formats::answers::Answers;

/// Names listed in an error.
const LISTED: usize = 5;

/// Combines answers with the labels of `rows`. The baselines of answers are the genres' frequencies among these posters.
pub(super) fn combine(
    answers: &Answers,
    genres: &[String],
    rows: Vec<LabelRow>,
    images: Option<Images>,
) -> Result<ClassifiedPosters> {
    let column = |name: &String| {
        let column = answers.genres.iter().position(|genre| genre == name);
        column.with_context(|| format!("there is no column for the genre {name}"))
    };
    let columns: Vec<usize> = genres.iter().map(column).collect::<Result<_>>()?;
    let unknown: Vec<&str> =
        answers.genres.iter().filter(|name| !genres.contains(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        bail!("these columns are no genres of train.csv: {}", list(&unknown));
    }
    let by_id = answers.by_id();
    let missing = rows.iter().map(|row| row.id.as_str()).filter(|id| !by_id.contains_key(id));
    let missing: Vec<&str> = missing.collect();
    ensure!(
        missing.is_empty(),
        "{} of {} posters have no answer: {}. Evaluate fewer posters with --only",
        missing.len(),
        rows.len(),
        list(&missing)
    );
    let answer = |row: &LabelRow| columns.iter().map(|&column| by_id[&*row.id][column]).collect();
    let probabilities: Vec<Vec<f32>> = rows.iter().map(answer).collect();
    let thresholds = match &answers.thresholds {
        Some(thresholds) => columns.iter().map(|&column| thresholds[column]).collect(),
        None => thresholds::fit(&probabilities),
    };
    let evaluated = genres.iter().zip(thresholds).enumerate().map(|(genre, (name, threshold))| {
        let known = rows.iter().filter_map(|row| row.labels[genre]);
        let (positives, total) = known
            .fold((0, 0), |(positives, total), label| (positives + usize::from(label), total + 1));
        let frequency = positives as f32 / total.max(1) as f32;
        EvaluatedGenre { name: name.clone(), threshold, frequency }
    });
    let evaluated = evaluated.collect();
    Ok(ClassifiedPosters::from_rows(evaluated, rows, images, probabilities))
}

/// Lists the first names.
pub(super) fn list(names: &[&str]) -> String {
    let first = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
