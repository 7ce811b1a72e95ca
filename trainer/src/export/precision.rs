//! The precision of stored weights: chosen by what it costs in mean average precision.

use anyhow::Result;
use burn::tensor::Device;
use marquee::bundle::BundleFiles;
use marquee::weights::CompactTensors;
use marquee::{Bundle, Evaluation, Precision};

use super::compact;
use crate::cli::WeightsArg;
use crate::data::posters::Poster;
use crate::evaluation::classified_posters::ClassifiedPosters;
use crate::inference;

/// Largest loss of validation mean average precision at which a precision is chosen over half precision.
const MAX_LOSS: f64 = 0.002;

/// How a bundle's weights are stored.
pub(crate) enum Stored {
    /// All of them in one precision.
    In(Precision),
    /// Compact, with these tensors.
    Compact(CompactTensors),
}

impl Stored {
    /// Returns what `choice` asks for. By default that is the first of compact weights, 8 bits and half precision that
    /// costs less than [`MAX_LOSS`] on the `validation` posters. Compact weights are rounded by how their inputs vary on
    /// the posters in `samples`.
    pub(crate) fn choose(
        choice: WeightsArg,
        bundle: &Bundle,
        samples: &[Poster],
        validation: &[Poster],
        device: &Device,
    ) -> Result<Self> {
        let compact = || Ok(Self::Compact(compact::round(bundle, samples, device)?));
        match choice {
            WeightsArg::Auto => {}
            WeightsArg::Half => return Ok(Self::In(Precision::Half)),
            WeightsArg::Int8 => return Ok(Self::In(Precision::Int8)),
            WeightsArg::Compact => return compact(),
        }
        let mean_average_precision = |stored: &Self| {
            let evaluation = stored.evaluate(bundle, validation, device)?;
            anyhow::Ok(evaluation.model.mean_average_precision)
        };
        let (half, int8, compact) =
            (Self::In(Precision::Half), Self::In(Precision::Int8), compact()?);
        let in_half = mean_average_precision(&half)?;
        let in_int8 = mean_average_precision(&int8)?;
        let in_compact = mean_average_precision(&compact)?;
        println!(
            "mean average precision, validation: {in_half:.4} in half precision, {in_int8:.4} in 8 bits, \
             {in_compact:.4} compact"
        );
        let smaller = [(compact, in_compact), (int8, in_int8)];
        let mut good = smaller.into_iter().filter(|(_, value)| in_half - value < MAX_LOSS);
        Ok(good.next().map_or(half, |(stored, _)| stored))
    }

    /// Returns the bundle's files.
    pub(crate) fn encode(&self, bundle: &Bundle) -> Result<BundleFiles> {
        Ok(match self {
            Self::In(precision) => pollster::block_on(bundle.encode(*precision))?,
            Self::Compact(tensors) => pollster::block_on(bundle.encode_compact(tensors))?,
        })
    }

    /// Evaluates `bundle` as it will be read back after it was written.
    pub(crate) fn evaluate(
        &self,
        bundle: &Bundle,
        posters: &[Poster],
        device: &Device,
    ) -> Result<Evaluation> {
        let classifier = inference::load(self.encode(bundle)?, device)?;
        Ok(ClassifiedPosters::new(&classifier, posters.to_vec())?.evaluate())
    }
}
