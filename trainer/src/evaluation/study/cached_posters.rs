//! Posters with cached feature maps, so that each trial runs only the end of the model.

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use marquee::metrics::{MIN_POSITIVES, Ranking, average_precision};
use marquee::model::EfficientNetLite;
use marquee::{Bundle, Model};

use crate::data::posters::Poster;
use crate::inference;

/// Average precision of a ranking, and of the baseline: the share of positives.
#[derive(Clone, Copy)]
pub(crate) struct Precision {
    pub(crate) baseline: f64,
    pub(crate) value: f64,
}

/// Posters, their feature maps before the parts that fine-tuning may change, and the original model's logits.
pub(crate) struct CachedPosters {
    pub(crate) posters: Vec<Poster>,
    /// The first part that runs on `maps`.
    first_part: usize,
    /// One tensor `[N, channels, rows, columns]` per batch.
    maps: Vec<Tensor<4>>,
    /// `[posters][genres]`
    pub(crate) logits: Vec<Vec<f32>>,
}

impl CachedPosters {
    /// Runs the parts before `first_part` on all posters.
    pub(crate) fn new(
        model: &EfficientNetLite,
        bundle: &Bundle,
        posters: Vec<Poster>,
        first_part: usize,
        device: &Device,
    ) -> Result<Self> {
        let input = &bundle.manifest.input;
        let maps = inference::map_batches("computing features", &posters, |batch| {
            let batch = input.batch(&inference::pixels(batch)?, device)?;
            Ok(vec![model.run(0..first_part, batch)])
        })?;
        let mut cached = Self { posters, first_part, maps, logits: Vec::new() };
        cached.logits = cached.logits_of(&bundle.model)?;
        Ok(cached)
    }

    /// Returns the number of posters that have a genre.
    pub(crate) fn positives(&self, genre: usize) -> usize {
        self.posters.iter().filter(|poster| poster.row.has(genre)).count()
    }

    /// Returns the logits `[posters][genres]` of a model whose parts before `first_part` are the original ones.
    pub(crate) fn logits_of(&self, model: &Model) -> Result<Vec<Vec<f32>>> {
        let mut logits = Vec::new();
        for map in &self.maps {
            logits.extend(inference::rows(model.forward_from(self.first_part, map.clone()))?);
        }
        Ok(logits)
    }

    /// Returns the average precision of `genre`, predicted by `column` of `logits`, on the posters that are not in
    /// `train`.
    pub(crate) fn precision(
        &self,
        logits: &[Vec<f32>],
        column: usize,
        genre: usize,
        train: &[usize],
    ) -> Precision {
        let posters = self.posters.iter().zip(logits).enumerate();
        let held_out = posters.filter(|(index, _)| !train.contains(index));
        let known = held_out
            .filter_map(|(_, (poster, row))| Some((row[column], poster.row.labels[genre]?)));
        let mut ranking: Ranking = known.collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = ranking.iter().filter(|(_, label)| *label).count();
        Precision {
            baseline: positives as f64 / ranking.len() as f64,
            value: average_precision(&ranking),
        }
    }

    /// Returns the mean of [`Self::precision`] over pairs of a column and its genre. Leaves out genres with fewer than
    /// [`MIN_POSITIVES`] held-out positives.
    pub(crate) fn mean_precision(
        &self,
        logits: &[Vec<f32>],
        columns: impl Iterator<Item = (usize, usize)>,
        train: &[usize],
    ) -> Precision {
        let held_out = (self.posters.len() - train.len()) as f64;
        let precisions: Vec<Precision> = columns
            .map(|(column, genre)| self.precision(logits, column, genre, train))
            .filter(|genre| (genre.baseline * held_out).round() >= MIN_POSITIVES as f64)
            .collect();
        let mean = |part: fn(&Precision) -> f64| {
            precisions.iter().map(part).sum::<f64>() / precisions.len() as f64
        };
        Precision { baseline: mean(|genre| genre.baseline), value: mean(|genre| genre.value) }
    }
}
