//! The posters that an evaluation is about.

use std::collections::HashSet;

use anyhow::Result;
use serde::Serialize;

use super::classified_posters::with_only;
use crate::data::dataset::Dataset;
use crate::training::run_folder::Run;

/// Where the evaluated posters come from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// A run's test split, on which nothing was fitted.
    Test,
    /// A run's validation split, for want of a test split: it chose the epoch, the calibration and the thresholds.
    Validation,
    /// A run's test split of additional posters, from other sources than those that the model is meant for.
    AdditionalTest,
    /// The posters of `--data` and `--only`.
    Given,
}

impl Origin {
    /// Describes the posters, after their number.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Test => "posters of the test split",
            Self::Validation => {
                "posters of the validation split, which also chose the epoch, the calibration and the \
                 thresholds: the metrics are validation metrics, and optimistic"
            }
            Self::AdditionalTest => "posters of the additional test split, from other sources",
            Self::Given => "posters",
        }
    }
}

/// Posters to evaluate.
pub(crate) struct PostersToEvaluate {
    pub(crate) origin: Origin,
    /// Labelled posters of one or more folders, with the same genres.
    pub(crate) datasets: Vec<Dataset>,
}

impl PostersToEvaluate {
    /// Returns the posters of `only`, or all of `dataset`.
    pub(crate) fn given(dataset: &Dataset, only: Option<&HashSet<String>>) -> Result<Self> {
        let all = || Dataset {
            dir: dataset.dir.clone(),
            genres: dataset.genres.clone(),
            rows: dataset.rows.clone(),
        };
        let dataset = only.map_or_else(|| Ok(all()), |only| with_only(dataset, only))?;
        Ok(Self { origin: Origin::Given, datasets: vec![dataset] })
    }

    /// Returns the posters of a run's own test splits.
    pub(crate) fn of_run(run: &Run, dataset: &Dataset) -> Result<Vec<Self>> {
        let origin = if run.has_test_split()? { Origin::Test } else { Origin::Validation };
        let main = with_only(dataset, &run.evaluation_ids()?)?;
        let [_, additional] = run.additional_datasets(dataset)?;
        let mut all = vec![Self { origin, datasets: vec![main] }];
        if !additional.is_empty() {
            all.push(Self { origin: Origin::AdditionalTest, datasets: additional });
        }
        Ok(all)
    }
}
