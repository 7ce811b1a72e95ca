//! The result of an evaluation: metrics with intervals, beside baselines and, if wanted, beside another predictor.

use anyhow::{Result, ensure};
use marquee::Evaluation;
use marquee::metrics::MetricRow;
use serde::Serialize;

use super::bootstrap::{Bootstrap, Difference, Interval, PairedDifferences};
use super::classified_posters::ClassifiedPosters;
use super::posters_to_evaluate::Origin;

/// An evaluation on one set of posters. Its JSON form is that of [`Evaluation`] with more keys.
#[derive(Serialize)]
pub(crate) struct EvaluationResult {
    #[serde(flatten)]
    pub(crate) evaluation: Evaluation,
    /// Where the posters come from.
    pub(crate) split: Origin,
    /// Number of bootstrap resamples.
    pub(crate) resamples: usize,
    /// 95% interval of each metric, in the order of [`Evaluation::rows`].
    pub(crate) intervals: Vec<NamedInterval>,
    /// 95% interval of each genre's average precision; `None` without positives.
    pub(crate) average_precision_intervals: Vec<Option<Interval>>,
    /// The comparison of `--against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<Comparison>,
}

/// A metric's interval.
#[derive(Serialize)]
pub(crate) struct NamedInterval {
    pub(crate) metric: String,
    #[serde(flatten)]
    pub(crate) interval: Interval,
}

/// Two predictors on the same posters and genres.
#[derive(Serialize)]
pub(crate) struct Comparison {
    /// Name of the first predictor, the one that is evaluated.
    pub(crate) name: String,
    /// Name of the other one.
    pub(crate) other: String,
    /// Genres that only one of them predicts; they are left out.
    pub(crate) left_out: Vec<String>,
    pub(crate) metrics: Vec<ComparisonRow>,
    /// Average precision of each genre with a positive.
    pub(crate) genres: Vec<ComparisonRow>,
}

/// One metric of two predictors.
#[derive(Serialize)]
pub(crate) struct ComparisonRow {
    /// Name of the metric or the genre.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) other: f64,
    #[serde(flatten)]
    pub(crate) difference: Difference,
    pub(crate) lower_is_better: bool,
    /// Whether the interval of the difference excludes 0, and the first predictor is the better one.
    pub(crate) better: bool,
    /// The same for the other.
    pub(crate) worse: bool,
}

impl ComparisonRow {
    fn new(
        name: String,
        [value, other]: [f64; 2],
        difference: Difference,
        higher_is_better: bool,
    ) -> Self {
        let gains = (difference.value > 0.0) == higher_is_better;
        let differs = difference.is_significant();
        let lower_is_better = !higher_is_better;
        let (better, worse) = (differs && gains, differs && !gains);
        Self { name, value, other, difference, lower_is_better, better, worse }
    }
}

impl EvaluationResult {
    /// Computes metrics and intervals of `classified`.
    pub(crate) fn new(classified: &ClassifiedPosters, split: Origin, resamples: usize) -> Self {
        let evaluation = classified.evaluate();
        let bootstrap = Bootstrap::new(classified.predictions(), resamples);
        let names = evaluation.rows().into_iter().map(|row| row.name);
        let intervals = names.zip(bootstrap.metrics());
        Self {
            split,
            resamples,
            intervals: intervals
                .map(|(metric, interval)| NamedInterval { metric, interval })
                .collect(),
            average_precision_intervals: bootstrap.average_precisions(),
            evaluation,
            against: None,
        }
    }

    /// Returns each metric with its interval.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (MetricRow, Interval)> {
        self.evaluation.rows().into_iter().zip(self.intervals.iter().map(|named| named.interval))
    }
}

impl Comparison {
    /// Compares two predictors with names on the genres that both predict.
    ///
    /// # Errors
    /// They classified different posters, or have no genre in common.
    pub(crate) fn new(
        [name, other_name]: [&str; 2],
        classified: &ClassifiedPosters,
        other: &ClassifiedPosters,
        resamples: usize,
    ) -> Result<Self> {
        let ids = |classified: &ClassifiedPosters| -> Vec<String> {
            classified.rows.iter().map(|row| row.id.clone()).collect()
        };
        ensure!(
            ids(classified) == ids(other),
            "{name} and {other_name} were evaluated on different posters; list those that both can \
             read with --only"
        );
        let (names, other_names) = (classified.genre_names(), other.genre_names());
        let common: Vec<String> =
            names.iter().filter(|genre| other_names.contains(genre)).cloned().collect();
        ensure!(!common.is_empty(), "{name} and {other_name} have no genre in common");
        let all = names.iter().chain(&other_names);
        let mut left_out: Vec<String> =
            all.filter(|genre| !common.contains(genre)).cloned().collect();
        left_out.dedup();

        let pair =
            [classified.of_genres(&common, classified)?, other.of_genres(&common, classified)?];
        let bootstraps =
            [&pair[0], &pair[1]].map(|model| Bootstrap::new(model.predictions(), resamples));
        let differences = PairedDifferences::new(&bootstraps[0], &bootstraps[1]);
        let [first, second] = [&pair[0], &pair[1]].map(ClassifiedPosters::evaluate);
        let metrics = first.rows().into_iter().zip(second.rows()).zip(differences.metrics);
        let genres = first.genres.iter().zip(&second.genres).zip(differences.average_precisions);
        Ok(Self {
            name: name.into(),
            other: other_name.into(),
            left_out,
            metrics: metrics
                .map(|((row, other), difference)| {
                    let values = [row.model, other.model];
                    ComparisonRow::new(row.name, values, difference, row.kind.higher_is_better)
                })
                .collect(),
            genres: genres
                .filter_map(|((genre, other), difference)| {
                    let values = [genre.average_precision, other.average_precision];
                    Some(ComparisonRow::new(genre.genre.clone(), values, difference?, true))
                })
                .collect(),
        })
    }
}
