//! AdamW (Loshchilov and Hutter 2019) with clipped gradients. On the CPU it updates a parameter in one pass, on all cores.
//! Burn's AdamW takes twenty passes on one core, most of them over new memory.

use burn::grad_clipping::{GradientClipping, GradientClippingConfig};
use burn::optim::{
    AdamW as BurnAdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, LearningRate, Optimizer,
};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rayon::prelude::*;

use crate::training::config::OptimiserConfig;

/// The decay of the two moments.
const BETAS: [f32; 2] = [0.9, 0.999];

/// Values that a core updates at a time.
const CHUNK: usize = 1 << 14;

/// The optimiser. Its checkpoints are those of Burn's AdamW.
#[derive(Clone)]
pub(crate) struct AdamW {
    epsilon: f32,
    weight_decay: f32,
    /// The largest norm of a parameter's gradient.
    clip_norm: Option<f32>,
    /// For other devices.
    elsewhere: BurnAdamW,
}

impl AdamW {
    /// Returns AdamW with the configured weight decay and gradient clipping.
    pub(crate) fn new(config: &OptimiserConfig) -> Self {
        let [beta_1, beta_2] = BETAS;
        let (epsilon, weight_decay) = (config.epsilon as f32, config.weight_decay as f32);
        let elsewhere = AdamWConfig::new()
            .with_beta_1(beta_1)
            .with_beta_2(beta_2)
            .with_epsilon(epsilon)
            .with_weight_decay(weight_decay)
            .build();
        let clip_norm = config.clip_norm.map(|norm| norm as f32);
        Self { epsilon, weight_decay, clip_norm, elsewhere }
    }

    fn clipping(&self) -> Option<GradientClipping> {
        self.clip_norm.map(|norm| GradientClippingConfig::Norm(norm).init())
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let device = parameter.device();
        if device != Device::flex() || parameter.dtype() != DType::F32 {
            let gradient = match self.clipping() {
                Some(clipping) => clipping.clip_gradient(gradient),
                None => gradient,
            };
            return self.elsewhere.step(rate, parameter, gradient, state);
        }
        let AdaptiveMomentumState { time, moment_1, moment_2, .. } = match state {
            Some(state) => state.momentum,
            None => AdaptiveMomentumState::new(0, parameter.zeros_like(), parameter.zeros_like()),
        };
        let time = time + 1;
        // Flex hands over the memory of a tensor that nothing else uses, and takes it back: nothing is copied.
        let mut tensors = [parameter, gradient, moment_1, moment_2].map(Tensor::into_data);
        let [values, gradients, firsts, seconds] = tensors.each_mut().map(floats);
        let corrections = BETAS.map(|beta| 1.0 - beta.powi(time as i32));
        let update = Update {
            scale: self.clip_norm.map_or(1.0, |most| (most / norm(gradients)).min(1.0)),
            keep: (1.0 - rate * f64::from(self.weight_decay)) as f32,
            rate: rate as f32,
            corrections,
            epsilon: self.epsilon,
        };
        let moments = firsts.par_chunks_mut(CHUNK).zip(seconds.par_chunks_mut(CHUNK));
        let chunks = values.par_chunks_mut(CHUNK).zip(gradients.par_chunks(CHUNK)).zip(moments);
        chunks.for_each(|((values, gradients), moments)| update.apply(values, gradients, moments));
        let [parameter, _, moment_1, moment_2] =
            tensors.map(|data| Tensor::from_data(data, &device));
        let momentum = AdaptiveMomentumState::new(time, moment_1, moment_2);
        (parameter, Some(AdamWState::new(momentum)))
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        BurnAdamW::to_device(state, device)
    }
}

/// What is the same for all values of a parameter.
struct Update {
    /// Factor of the gradient, below 1 if it is clipped.
    scale: f32,
    /// What weight decay leaves of a value.
    keep: f32,
    rate: f32,
    /// The sums of the weights in the two moments, which begin at zero.
    corrections: [f32; 2],
    epsilon: f32,
}

impl Update {
    fn apply(&self, values: &mut [f32], gradients: &[f32], moments: (&mut [f32], &mut [f32])) {
        let ([beta_1, beta_2], [correction_1, correction_2]) = (BETAS, self.corrections);
        let (firsts, seconds) = moments;
        let values = values.iter_mut().zip(gradients);
        for ((value, gradient), (first, second)) in values.zip(firsts.iter_mut().zip(seconds)) {
            let gradient = gradient * self.scale;
            *first = *first * beta_1 + gradient * (1.0 - beta_1);
            *second = *second * beta_2 + gradient * gradient * (1.0 - beta_2);
            let deviation = (*second / correction_2).sqrt() + self.epsilon;
            *value = *value * self.keep - *first / correction_1 / deviation * self.rate;
        }
    }
}

/// Returns the Euclidean norm. The order of its sums does not depend on the number of cores.
fn norm(values: &[f32]) -> f32 {
    let sums: Vec<f32> = values.par_chunks(CHUNK).map(sum_of_squares).collect();
    sums.iter().sum::<f32>().sqrt()
}

fn sum_of_squares(values: &[f32]) -> f32 {
    // Sums of their own for each lane of a register: a single one would be added up value by value.
    let (rows, rest) = values.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value);
    }
    sums.iter().sum::<f32>() + rest.iter().map(|value| value * value).sum::<f32>()
}

/// Returns the values of a tensor in single precision.
fn floats(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 0.01;

    /// A parameter or gradient of several chunks.
    fn tensor(seed: usize) -> Tensor<2> {
        let shape = [3, CHUNK + 7];
        let values = (0..shape[0] * shape[1]).map(|index| ((index + seed * 31) as f32).sin());
        Tensor::from_data(TensorData::new(values.collect(), shape), &Device::flex())
    }

    /// Returns the parameter after three steps with other gradients.
    fn trained(optimiser: impl Optimizer, clip: Option<GradientClipping>) -> Vec<f32> {
        let (mut parameter, mut state) = (tensor(0), None);
        for step in 1..=3 {
            let gradient = match &clip {
                Some(clip) => clip.clip_gradient(tensor(step)),
                None => tensor(step),
            };
            (parameter, state) = optimiser.step(RATE, parameter, gradient, state);
        }
        parameter.into_data().try_into_vec().unwrap_or_default()
    }

    #[track_caller]
    fn assert_same_as_burn(config: &OptimiserConfig) {
        let ours = AdamW::new(config);
        let expected = trained(ours.elsewhere.clone(), ours.clipping());
        let found = trained(ours, None);
        assert_eq!(found.len(), 3 * (CHUNK + 7));
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-6, "value {index}: {found}, not {expected}");
        }
    }

    #[test]
    fn three_steps_change_a_parameter_as_with_burns_adamw() {
        let config =
            OptimiserConfig { weight_decay: 0.5, clip_norm: None, ..OptimiserConfig::default() };
        assert_same_as_burn(&config);
    }

    #[test]
    fn gradients_are_clipped_as_by_burn() {
        assert_same_as_burn(&OptimiserConfig {
            clip_norm: Some(0.1),
            ..OptimiserConfig::default()
        });
    }
}
