//! Mean average precision (mAP) as a metric of Burn's learner.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorReadError};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use marquee::metrics::{Ranking, mean_average_precision};

use crate::data::loader::total_weights;

/// The metric's name in Burn's event store and dashboard.
pub(crate) const NAME: &str = "Mean average precision";

/// The predictions for a batch.
pub(crate) struct MapInput {
    /// `[N, genres]`.
    pub(crate) logits: Tensor<2>,
    /// `[N, TARGET_WEIGHTS, genres]`; positive where the weights of a present genre exceed those of an absent one,
    /// unknown where all are 0.
    pub(crate) targets: Tensor<3>,
}

/// The mean average precision over all posters of an epoch so far, 0..=1.
#[derive(Clone, Default)]
pub(crate) struct MapMetric {
    /// For each genre, the logit of every poster and whether the poster has the genre.
    genres: Vec<Ranking>,
}

impl MapMetric {
    fn current(&self) -> f64 {
        mean_average_precision(self.genres.clone())
    }

    fn entry(&self) -> SerializedEntry {
        let value = self.current();
        SerializedEntry::new(format!("mAP {value:.4}"), value.to_string())
    }
}

impl Metric for MapMetric {
    type Input = MapInput;

    fn name(&self) -> MetricName {
        Arc::new(NAME.to_owned())
    }

    fn update(
        &mut self,
        input: &MapInput,
        _: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        let [_, genres] = input.logits.dims();
        let logits: Vec<f32> = input.logits.clone().try_into_vec_as()?;
        let [present, absent] = total_weights(input.targets.clone());
        let present: Vec<f32> = present.try_into_vec_as()?;
        let absent: Vec<f32> = absent.try_into_vec_as()?;
        self.genres.resize(genres, Ranking::new());
        for (index, (logit, (present, absent))) in
            logits.into_iter().zip(present.into_iter().zip(absent)).enumerate()
        {
            if present + absent > 0.0 {
                self.genres[index % genres].push((logit, present > absent));
            }
        }
        Ok(SerializedEntry::not_available(None))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.entry())
    }

    fn clear(&mut self) {
        self.genres.clear();
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: None, higher_is_better: true }.into()
    }
}

impl Numeric for MapMetric {
    fn value(&self) -> Option<NumericEntry> {
        None
    }

    fn running_value(&self) -> Option<NumericEntry> {
        None
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.current())
    }
}
