//! The model of the original notebook: three convolution blocks, a dense layer, and one dense output per genre.
//!
//! Sizes and defaults are the notebook's, which are those of Keras: convolutions without padding, batch norm after
//! each ReLU. In the blocks, the batch norm lies between a ReLU and a max-pool, so it cannot be folded into a
//! convolution, and the bundle keeps it. After the dense layer, it can be folded into the output layer
//! ([`fold_into_output`]).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Side of every convolution kernel.
pub const KERNEL: usize = 3;

/// Window and stride of the max-pools.
pub const POOL: usize = 2;

/// Added to the variances of batch norm.
pub const EPSILON: f32 = 1e-3;

/// The tensors of a batch norm.
pub const NORM_TENSORS: [&str; 4] = ["gamma", "beta", "running_mean", "running_var"];

/// Shortest side of a poster, in pixels: the blocks reduce it to one pixel.
pub(super) const MIN_SIDE: u32 = 22;

/// Most channels and hidden units. The limit keeps an untrusted manifest from exhausting the memory.
const MAX_WIDTH: usize = 4096;

/// Number of convolution blocks.
pub const BLOCKS: usize = 3;

/// The sizes of a seed-cnn, and its options in training.
///
/// The last three options are younger than the others: where they are missing, they mean what the model did before
/// them, not the default of new models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedCnnConfig {
    /// Output channels of each convolution.
    pub channels: [usize; BLOCKS],
    /// Units of the dense layer.
    pub hidden: usize,
    /// Fraction of the values that dropout sets to zero after each block during training, 0..1. Written as one
    /// number if it is the same for all blocks.
    #[serde(serialize_with = "one_or_each", deserialize_with = "for_each_block")]
    pub dropout: [f64; BLOCKS],
    /// Whether batch norm follows the dense layer's ReLU.
    #[serde(default)]
    pub hidden_norm: bool,
    /// Fraction of the dense layer's values that dropout sets to zero during training, 0..1.
    #[serde(default)]
    pub hidden_dropout: f64,
    /// Weight of each batch in the running statistics of batch norm, above 0 and up to 1: 1 minus what Keras calls
    /// momentum.
    #[serde(default = "keras_momentum")]
    pub norm_momentum: f64,
}

impl Default for SeedCnnConfig {
    fn default() -> Self {
        Self {
            channels: [16, 32, 64],
            hidden: 128,
            dropout: [0.3, 0.3, 0.4],
            hidden_norm: true,
            hidden_dropout: 0.5,
            norm_momentum: 0.1,
        }
    }
}

/// Keras's default, 0.99.
fn keras_momentum() -> f64 {
    0.01
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrEach {
    One(f64),
    Each([f64; BLOCKS]),
}

fn one_or_each<S: Serializer>(values: &[f64; BLOCKS], serializer: S) -> Result<S::Ok, S::Error> {
    let [first, others @ ..] = values;
    match others.iter().all(|other| other == first) {
        true => OneOrEach::One(*first).serialize(serializer),
        false => OneOrEach::Each(*values).serialize(serializer),
    }
}

fn for_each_block<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; BLOCKS], D::Error> {
    match OneOrEach::deserialize(deserializer) {
        Ok(OneOrEach::One(value)) => Ok([value; BLOCKS]),
        Ok(OneOrEach::Each(values)) => Ok(values),
        Err(_) => {
            let expected = format!("dropout must be a number, or a list of {BLOCKS} numbers");
            Err(serde::de::Error::custom(expected))
        }
    }
}

impl SeedCnnConfig {
    /// Returns what remains of a side after all blocks. Each block removes a pixel at both ends, then halves
    /// the rest, rounding down.
    pub fn side_after_blocks(&self, side: u32) -> usize {
        let side = side as usize;
        self.channels.iter().fold(side, |side, _| side.saturating_sub(KERNEL - 1) / POOL)
    }

    /// Returns the name and shape of every tensor, for posters of `width` x `height` pixels.
    pub(super) fn tensors(
        &self,
        [width, height]: [u32; 2],
        genres: usize,
    ) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        let mut inputs = 3;
        for (block, &outputs) in self.channels.iter().enumerate() {
            let path = format!("blocks.{block}");
            tensors.push((format!("{path}.conv.weight"), vec![outputs, inputs, KERNEL, KERNEL]));
            tensors.push((format!("{path}.conv.bias"), vec![outputs]));
            for name in NORM_TENSORS {
                tensors.push((format!("{path}.norm.{name}"), vec![outputs]));
            }
            inputs = outputs;
        }
        let pixels = self.side_after_blocks(width) * self.side_after_blocks(height);
        for (path, shape) in
            [("hidden", [inputs * pixels, self.hidden]), ("output", [self.hidden, genres])]
        {
            tensors.push((format!("{path}.weight"), shape.to_vec()));
            tensors.push((format!("{path}.bias"), vec![shape[1]]));
        }
        if self.hidden_norm {
            let names = NORM_TENSORS.map(|name| format!("hidden_norm.{name}"));
            tensors.extend(names.map(|name| (name, vec![self.hidden])));
        }
        tensors
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let mut widths = self.channels.iter().chain([&self.hidden]);
        if widths.any(|width| !(1..=MAX_WIDTH).contains(width)) {
            return Err(format!("seed-cnn needs 1 to {MAX_WIDTH} channels and hidden units"));
        }
        for rate in self.dropout {
            super::check_rate("dropout", rate)?;
        }
        super::check_rate("hidden_dropout", self.hidden_dropout)?;
        let momentum = self.norm_momentum;
        if !(momentum > 0.0 && momentum <= 1.0) {
            return Err(format!("norm_momentum is {momentum}, but must be above 0 and at most 1"));
        }
        Ok(())
    }
}

/// Returns batch norm as a scale and a shift for each channel, from its tensors in the order of [`NORM_TENSORS`].
pub fn norm_scales([gamma, beta, mean, variance]: [&[f32]; 4]) -> Vec<[f32; 2]> {
    let channels = gamma.iter().zip(beta).zip(mean.iter().zip(variance));
    let scale_and_shift = channels.map(|((gamma, beta), (mean, variance))| {
        let scale = gamma / (variance + EPSILON).sqrt();
        [scale, beta - mean * scale]
    });
    scale_and_shift.collect()
}

/// Folds the batch norm after the dense layer into the output layer that follows it, whose weight is
/// `[hidden, genres]` and whose bias is `[genres]`: `W (s h + t) + b = (W s) h + (W t + b)`.
pub fn fold_into_output(norm: &[[f32; 2]], weight: &mut [f32], bias: &mut [f32]) {
    for ([scale, shift], weights) in norm.iter().zip(weight.chunks_exact_mut(bias.len().max(1))) {
        for (weight, bias) in weights.iter_mut().zip(bias.iter_mut()) {
            *bias += *weight * shift;
            *weight *= scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<SeedCnnConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_without_the_younger_options_means_what_it_meant() -> Result<(), String> {
        let json = r#"{"channels":[4,8,8],"hidden":16,"dropout":0.3}"#;
        let old = parse(json)?;
        let today = SeedCnnConfig {
            channels: [4, 8, 8],
            hidden: 16,
            dropout: [0.3; BLOCKS],
            hidden_norm: false,
            hidden_dropout: 0.0,
            norm_momentum: 0.01,
        };
        assert_eq!(old, today);
        assert!(!old.tensors([64, 96], 4).iter().any(|(name, _)| name.starts_with("hidden_norm")));
        Ok(())
    }

    #[test]
    fn dropout_is_one_number_or_one_for_each_block() -> Result<(), String> {
        let with = |dropout: &str| {
            parse(&format!(r#"{{"channels":[4,8,8],"hidden":16,"dropout":{dropout}}}"#))
        };
        assert_eq!(with("[0.1,0.2,0.3]")?.dropout, [0.1, 0.2, 0.3]);
        for dropout in ["0.1", "[0.1,0.2,0.3]"] {
            let written =
                serde_json::to_value(with(dropout)?).map_err(|error| error.to_string())?;
            assert_eq!(written["dropout"].to_string(), dropout);
        }
        let error = with("[0.1]").err().unwrap_or_default();
        assert!(error.contains("dropout must be a number, or a list of 3 numbers"), "{error}");
        Ok(())
    }

    #[test]
    fn a_folded_norm_has_the_same_outputs() {
        let norm = norm_scales([&[2.0, 0.5], &[1.0, -1.0], &[3.0, 0.25], &[4.0, 0.0625]]);
        let (mut weight, mut bias) = (vec![0.5, -1.0, 2.0, 0.25], vec![0.1, 0.2]);
        let output = |hidden: [f32; 2], weight: &[f32], bias: &[f32]| {
            [0, 1].map(|genre| {
                hidden[0] * weight[genre] + hidden[1] * weight[2 + genre] + bias[genre]
            })
        };
        let hidden = [1.5, 0.75];
        let normed = [0, 1].map(|unit| hidden[unit] * norm[unit][0] + norm[unit][1]);
        let expected = output(normed, &weight, &bias);
        fold_into_output(&norm, &mut weight, &mut bias);
        for (folded, expected) in output(hidden, &weight, &bias).iter().zip(expected) {
            assert!((folded - expected).abs() < 1e-6, "{folded} is not {expected}");
        }
    }
}
