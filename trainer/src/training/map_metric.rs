//! Mean average precision while training, as a metric of Burn's learner.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorReadError};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry,
};

use marquee::metrics::{Ranking, mean_average_precision};

/// Its name in the log.
pub(crate) const NAME: &str = "Ranking";

/// The answers to a batch.
pub(crate) struct RankingInput {
    /// `[N, genres]`.
    pub(crate) logits: Tensor<2>,
    /// `[N, genres]`; above one half counts as true.
    pub(crate) targets: Tensor<2>,
}

/// The mean average precision over all posters of an epoch so far, 0..=1.
#[derive(Clone, Default)]
pub(crate) struct RankingMetric {
    /// By genre: each poster's logit, and whether it is true.
    genres: Vec<Ranking>,
}

impl RankingMetric {
    fn current(&self) -> f64 {
        mean_average_precision(self.genres.clone())
    }

    fn entry(&self) -> SerializedEntry {
        let value = self.current();
        SerializedEntry::new(format!("mAP {value:.4}"), value.to_string())
    }
}

impl Metric for RankingMetric {
    type Input = RankingInput;

    fn name(&self) -> MetricName {
        Arc::new(NAME.to_owned())
    }

    fn update(
        &mut self,
        input: &RankingInput,
        _: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        let [_, genres] = input.logits.dims();
        let logits: Vec<f32> = input.logits.clone().try_into_vec_as()?;
        let targets: Vec<f32> = input.targets.clone().try_into_vec_as()?;
        self.genres.resize(genres, Ranking::new());
        let rows = logits.chunks_exact(genres).zip(targets.chunks_exact(genres));
        for (logits, targets) in rows {
            let answers = logits.iter().zip(targets);
            for (genre, (logit, target)) in self.genres.iter_mut().zip(answers) {
                genre.push((*logit, *target > 0.5));
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

impl Numeric for RankingMetric {
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
