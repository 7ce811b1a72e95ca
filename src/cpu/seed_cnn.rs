//! The original notebook's model in floats; see [`crate::architecture::seed_cnn`]. It only serves comparisons,
//! so the code is simple rather than fast.

use crate::architecture::seed_cnn::{
    KERNEL, NORM_TENSORS, POOL, SeedCnnConfig, fold_into_output, norm_scales,
};
use crate::error::Result;
use crate::weights::Tensors;

/// The model for posters of one size.
#[derive(Debug)]
pub(super) struct SeedCnn {
    blocks: Vec<Block>,
    hidden: Dense,
    output: Dense,
    /// Height and width of the poster.
    input: [usize; 2],
}

/// A convolution, ReLU, batch norm and max-pool.
#[derive(Debug)]
struct Block {
    /// `[rows, columns, inputs, outputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Batch norm as a scale and a shift per channel.
    norm: Vec<[f32; 2]>,
}

#[derive(Debug)]
struct Dense {
    /// `[inputs, outputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// A feature map, `[rows, columns, channels]`.
struct Map {
    size: [usize; 2],
    values: Vec<f32>,
}

impl SeedCnn {
    pub(super) fn new(
        config: &SeedCnnConfig,
        [width, height]: [u32; 2],
        tensors: &mut Tensors<'_>,
    ) -> Result<Self> {
        let blocks = (0..config.channels.len()).map(|block| Block::new(block, tensors));
        let blocks = blocks.collect::<Result<_>>()?;
        let mut output = Dense::new("output", tensors)?;
        if config.hidden_norm {
            let norm = take_norm("hidden_norm", tensors)?;
            fold_into_output(&norm, &mut output.weight, &mut output.bias);
        }
        Ok(Self {
            blocks,
            hidden: Dense::new("hidden", tensors)?,
            output,
            input: [height as usize, width as usize],
        })
    }

    /// Returns the logits `[genres]` of a normalised poster `[3, height, width]`.
    pub(super) fn logits(&self, poster: &[f32]) -> Vec<f32> {
        let poster = Map { size: self.input, values: transposed(poster, 3) };
        let map = self.blocks.iter().fold(poster, |map, block| block.forward(&map));
        // The dense layer expects `[channels, rows, columns]`.
        let flat = transposed(&map.values, map.size[0] * map.size[1]);
        let mut hidden = self.hidden.forward(&flat);
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        self.output.forward(&hidden)
    }
}

/// Removes the tensors of the batch norm at `path` and returns its scale and shift for each channel.
fn take_norm(path: &str, tensors: &mut Tensors<'_>) -> Result<Vec<[f32; 2]>> {
    let [gamma, beta, mean, variance] =
        NORM_TENSORS.map(|name| tensors.take(&format!("{path}.{name}")));
    Ok(norm_scales([&gamma?, &beta?, &mean?, &variance?]))
}

impl Block {
    fn new(block: usize, tensors: &mut Tensors<'_>) -> Result<Self> {
        let path = format!("blocks.{block}");
        let [weight, bias] = tensors.take_layer(&format!("{path}.conv"))?;
        let norm = take_norm(&format!("{path}.norm"), tensors)?;
        // [outputs, inputs * places] -> [inputs * places, outputs] -> [places, inputs, outputs]
        let outputs = bias.len();
        let by_input = transposed(&weight, outputs);
        let per_input = outputs * KERNEL * KERNEL;
        let inputs = weight.len() / per_input;
        let by_place = (0..KERNEL * KERNEL).flat_map(|place| {
            let by_input = &by_input;
            (0..inputs).flat_map(move |input| {
                by_input[input * per_input + place * outputs..][..outputs].iter().copied()
            })
        });
        Ok(Self { weight: by_place.collect(), bias, norm })
    }

    fn forward(&self, map: &Map) -> Map {
        let channels = self.bias.len();
        let inputs = self.weight.len() / (channels * KERNEL * KERNEL);
        let [height, width] = map.size.map(|side| (side - (KERNEL - 1)) / POOL);
        // The maximum is taken after the batch norm, whose scale may be negative.
        let mut values = vec![f32::NEG_INFINITY; height * width * channels];
        for y in 0..height * POOL {
            for x in 0..width * POOL {
                let mut sums = self.bias.clone();
                let row_weights = self.weight.chunks_exact(KERNEL * inputs * channels);
                for (row, weights) in row_weights.enumerate() {
                    let window = &map.values[((y + row) * map.size[1] + x) * inputs..];
                    for (value, weights) in window.iter().zip(weights.chunks_exact(channels)) {
                        sums.iter_mut()
                            .zip(weights)
                            .for_each(|(sum, weight)| *sum += value * weight);
                    }
                }
                let pooled = &mut values[((y / POOL) * width + x / POOL) * channels..][..channels];
                for ((pooled, sum), [scale, shift]) in pooled.iter_mut().zip(sums).zip(&self.norm) {
                    *pooled = pooled.max(sum.max(0.0) * scale + shift);
                }
            }
        }
        Map { size: [height, width], values }
    }
}

impl Dense {
    fn new(path: &str, tensors: &mut Tensors<'_>) -> Result<Self> {
        let [weight, bias] = tensors.take_layer(path)?;
        Ok(Self { weight, bias })
    }

    fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        let mut outputs = self.bias.clone();
        for (input, weights) in inputs.iter().zip(self.weight.chunks_exact(outputs.len())) {
            outputs.iter_mut().zip(weights).for_each(|(output, weight)| *output += input * weight);
        }
        outputs
    }
}

/// Transposes a row-major matrix with `rows` rows.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    let column = |column: usize| values.iter().skip(column).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}
