//! Quantisation-aware training: the model computes with weights rounded as compact weights are, so that it learns to be
//! accurate with them (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference"). Rounding has no gradient of use. That of the rounded weight is taken for the
//! weight's own (the straight-through estimator of Bengio et al. 2013).

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use marquee::Model;

use crate::export::compact;

/// Returns a copy of `model` with rounded weights. Its parameters have the ids of the model's, so that their gradients
/// train it.
pub(crate) fn rounded(model: &Model) -> Model {
    model.clone().map(&mut Round)
}

struct Round;

impl ModuleMapper for Round {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape: Vec<usize> = param.dims().to_vec();
        let step = match shape[..] {
            [outputs, inputs, 1, 1] => compact::step(outputs * inputs),
            _ => None,
        };
        let Some(step) = step else { return param };
        let trained = param.is_require_grad();
        let (id, weight, mapper) = param.consume();
        let weight = weight.detach();
        let output = weight.clone().flatten::<2>(1, D as isize - 1);
        let scale = output.square().mean_dim(1).sqrt() * step;
        // An output whose weights are all zero has no step.
        let scale = scale.clamp_min(f32::MIN_POSITIVE).reshape(outputs_only::<D>(&shape));
        let rounded = (weight / scale.clone()).round() * scale;
        Param::from_mapped_value(id, rounded.detach().set_require_grad(trained), mapper)
    }
}

/// Returns the shape of one value per output: `[outputs, 1, …]`.
fn outputs_only<const D: usize>(shape: &[usize]) -> [usize; D] {
    std::array::from_fn(|dimension| if dimension == 0 { shape[0] } else { 1 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use burn::tensor::{Device, Distribution};
    use burn::train::TrainStep;
    use marquee::Architecture;
    use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
    use marquee::weights::{NamedTensor, QuantisedWeight};

    use super::*;
    use crate::data::loader::{Batch, TARGET_WEIGHTS};
    use crate::training::config::{Config, Overrides};
    use crate::training::learner::TrainingModel;
    use crate::training::optimiser::optimiser;

    fn model() -> Model {
        let device = Device::flex().autodiff();
        device.seed(5);
        // Nothing random, so that two steps can be compared.
        let config = EfficientNetLiteConfig { dropout: 0.0, drop_path: 0.0 };
        let lite0 = Architecture::EfficientNetLite0(config);
        Model::init(&lite0, [32, 32], 3, &device).unwrap()
    }

    /// Returns the weights that are rounded, with their steps in root mean squares.
    fn large(model: &Model) -> Vec<(NamedTensor, f32)> {
        let tensors = model.tensors().unwrap().into_iter();
        let pointwise = tensors.filter(|tensor| matches!(tensor.shape[..], [_, _, 1, 1]));
        pointwise.filter_map(|t| compact::step(t.values.len()).map(|step| (t, step))).collect()
    }

    #[test]
    fn large_layers_are_rounded_and_nothing_else() {
        let model = model();
        let rounded = rounded(&model);
        let large = large(&model);
        assert!(large.len() > 20, "{}", large.len());
        for (before, after) in model.tensors().unwrap().iter().zip(rounded.tensors().unwrap()) {
            let Some((_, step)) = large.iter().find(|(tensor, _)| tensor.name == before.name)
            else {
                assert_eq!(before.values, after.values, "{}", before.name);
                continue;
            };
            let outputs = before.values.chunks(before.shape[1]);
            for (weights, rounded) in outputs.zip(after.values.chunks(before.shape[1])) {
                // As stored, in half precision.
                let scale = QuantisedWeight::scale_of_step(weights, *step);
                for (weight, rounded) in weights.iter().zip(rounded) {
                    let multiple = rounded / scale;
                    assert!((multiple - multiple.round()).abs() < 0.02, "{multiple}");
                    assert!((weight - rounded).abs() < scale * 0.51, "{weight} {rounded}");
                }
            }
        }
    }

    #[test]
    fn a_step_computes_with_rounded_weights_and_changes_the_others() {
        let set = ["quantisation_aware=true", "ema_decay=0"].map(str::to_owned).to_vec();
        let overrides = Overrides { set, ..Overrides::default() };
        let config = Config::resolve("efficientnet-lite0", &overrides).unwrap();
        // A head of zeros would hide what the convolutions compute, and give them no gradient.
        let model = model().map(&mut RandomHead);
        let device = model.device();
        let inputs = Tensor::random([2, 3, 32, 32], Distribution::Default, &device);
        let step = |model: &Model, config: &Config| {
            let targets = Tensor::ones([2, TARGET_WEIGHTS, 3], &device);
            let batch = Batch { inputs: inputs.clone(), part: 0, targets };
            TrainStep::step(&TrainingModel::new(model.clone(), config), batch)
        };
        let unaware = Config { quantisation_aware: false, ..config.clone() };
        let output = step(&model, &config);
        let [aware, of_rounded, of_unrounded] = [
            output.item.into_loss(),
            step(&rounded(&model), &unaware).item.into_loss(),
            step(&model, &unaware).item.into_loss(),
        ]
        .map(Tensor::into_data);
        assert_eq!(aware, of_rounded);
        assert_ne!(aware, of_unrounded);

        let mut optimiser = optimiser(&config.optimiser);
        let training = TrainingModel::new(model.clone(), &config);
        let trained = training.optimize(&mut optimiser, 1e-4.into(), output.grads);
        let trained = trained.into_evaluated().tensors().unwrap();
        for (before, step) in large(&model) {
            let after = trained.iter().find(|tensor| tensor.name == before.name).unwrap();
            let scale = QuantisedWeight::scale_of_step(&before.values, step);
            let changes = before.values.iter().zip(&after.values).map(|(a, b)| (a - b).abs());
            let most = changes.fold(0.0, f32::max);
            assert!(most > 0.0 && most < scale / 2.0, "{}: {most} {scale}", before.name);
        }
    }

    struct RandomHead;

    impl ModuleMapper for RandomHead {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D != 2 {
                return param;
            }
            let (id, value, mapper) = param.consume();
            let random = value.random_like(Distribution::Default).detach();
            Param::from_mapped_value(id, random.require_grad(), mapper)
        }
    }
}
