//! The tensors that steps draw their batches from: one row per view of a poster, one column per head and genre.

use burn::tensor::{Device, Tensor, TensorData};

use super::features::Example;
use super::options::FineTuneOptions;
use super::{folds, rejected};
use crate::error::Result;

/// The largest factor by which a rare label is weighted up.
const LARGEST_WEIGHT: f32 = 10.0;

/// All views of all posters.
pub(super) struct TrainingSet {
    /// Inputs of the trained part, `[rows, channels, height, width]`.
    inputs: Tensor<4>,
    /// Labels, 0 or 1: `[rows, heads * genres]`.
    targets: Tensor<2>,
    /// Loss weights, 0 if the label is unknown or held out from the head: `[rows, heads * genres]`.
    weights: Tensor<2>,
    /// Sums of the weights over the genres, `[rows][heads]`.
    weight_sums: Vec<Vec<f32>>,
    /// The fold of each poster.
    folds: Vec<usize>,
}

/// Some rows of a training set.
pub(super) struct Batch {
    pub(super) inputs: Tensor<4>,
    pub(super) targets: Tensor<2>,
    pub(super) weights: Tensor<2>,
}

impl TrainingSet {
    /// Builds the set from `examples`, whose views have the given shape.
    ///
    /// # Errors
    /// [`crate::Error::NotTeachable`] if no label is known, or all posters with a known label are held out.
    pub(super) fn new(
        examples: &[Example],
        [channels, height, width]: [usize; 3],
        genres: usize,
        options: &FineTuneOptions,
        device: &Device,
    ) -> Result<Self> {
        let known = examples.iter().flat_map(|example| &example.labels).flatten().count();
        if known == 0 {
            return Err(rejected(match examples.len() {
                0 => "there are no posters to learn from".into(),
                count => format!("none of the {count} posters has a label"),
            }));
        }
        let labels: Vec<_> = examples.iter().map(|example| &example.labels).collect();
        let folds = folds::assign(&labels, options.folds);
        let label_weights = (0..genres).map(|genre| label_weights(examples, genre, options));
        let label_weights: Vec<[f32; 2]> = label_weights.collect();
        let heads = options.heads();
        let (mut inputs, mut targets, mut weights, mut sums) = (vec![], vec![], vec![], vec![]);
        for (example, &fold) in examples.iter().zip(&folds) {
            let weighted = example.labels.iter().zip(&label_weights);
            let weighted = weighted
                .map(|(label, weights)| label.map_or(0.0, |label| weights[usize::from(label)]));
            let poster_weights: Vec<f32> = weighted.collect();
            let sum: f32 = poster_weights.iter().sum();
            for view in &example.views {
                inputs.extend_from_slice(view);
                let mut row = Vec::with_capacity(heads);
                for head in 0..heads {
                    let learns = !folds::is_held_out(fold, head, options);
                    let factor = if learns { 1.0 } else { 0.0 };
                    targets.extend(example.labels.iter().map(|l| f32::from(*l == Some(true))));
                    weights.extend(poster_weights.iter().map(|weight| weight * factor));
                    row.push(sum * factor);
                }
                sums.push(row);
            }
        }
        if sums.iter().all(|row| row[0] == 0.0) {
            let reason = "all posters with a label are held out for the evaluation; add more";
            return Err(rejected(reason.into()));
        }
        let rows = sums.len();
        let columns = |values: Vec<f32>| {
            let data = TensorData::new::<f32, _>(values, [rows, heads * genres]);
            Tensor::<2>::from_data(data, device)
        };
        let inputs = TensorData::new::<f32, _>(inputs, [rows, channels, height, width]);
        Ok(Self {
            inputs: Tensor::from_data(inputs, device),
            targets: columns(targets),
            weights: columns(weights),
            weight_sums: sums,
            folds,
        })
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.weight_sums.len()
    }

    /// Returns the inputs of all rows.
    pub(super) fn inputs(&self) -> Tensor<4> {
        self.inputs.clone()
    }

    /// Returns the fold of each poster.
    pub(super) fn folds(&self) -> &[usize] {
        &self.folds
    }

    /// Returns the sum of a head's loss weights over some rows.
    pub(super) fn weight_sum(&self, rows: &[usize], head: usize) -> f32 {
        rows.iter().map(|&row| self.weight_sums[row][head]).sum()
    }

    /// Returns some rows as tensors.
    pub(super) fn batch(&self, rows: &[usize]) -> Batch {
        let indices: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let data = TensorData::from(indices.as_slice());
        let indices = Tensor::from_data(data, &self.inputs.device());
        Batch {
            inputs: self.inputs.clone().select(0, indices.clone()),
            targets: self.targets.clone().select(0, indices.clone()),
            weights: self.weights.clone().select(0, indices),
        }
    }
}

/// Returns the loss weights of a genre's negative and positive labels; see [`FineTuneOptions::balance`].
fn label_weights(examples: &[Example], genre: usize, options: &FineTuneOptions) -> [f32; 2] {
    let labels = examples.iter().filter_map(|example| example.labels[genre]);
    let (positives, negatives): (Vec<bool>, Vec<bool>) = labels.partition(|label| *label);
    if positives.is_empty() || negatives.is_empty() {
        return [1.0, 1.0];
    }
    let ratio = negatives.len() as f32 / positives.len() as f32;
    let ratio = ratio.powf(options.balance as f32);
    match ratio > 1.0 {
        true => [1.0, ratio.min(LARGEST_WEIGHT)],
        false => [(1.0 / ratio).min(LARGEST_WEIGHT), 1.0],
    }
}
