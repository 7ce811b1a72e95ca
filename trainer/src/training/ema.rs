//! Exponential moving average (EMA) of a model's weights. The averaged weights lag behind training and perform better
//! than those of any single step (Polyak and Juditsky 1992).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use marquee::Model;

/// Returns the decay of update `step` (from 1): `decay`, with a warm-up. A constant decay would keep the initial weights
/// for the first `1 / (1 - decay)` steps, which are all the steps of a training on few posters. The warm-up averages
/// over about a ninth of the steps so far, as TensorFlow's `tf.train.ExponentialMovingAverage` does with `num_updates`.
pub(crate) fn decay_at(decay: f64, step: usize) -> f64 {
    let step = step as f64;
    decay.min((1.0 + step) / (10.0 + step))
}

/// Returns a copy of `model` to start an average with. Its parameters have ids of their own and no gradients.
pub(crate) fn start(model: &Model) -> Model {
    model.clone().map(&mut WithNewIds).no_grad()
}

/// Returns `decay * average + (1 - decay) * model`, parameter by parameter.
pub(crate) fn update(average: Model, model: &Model, decay: f64) -> Model {
    let mut parameters = Parameters::default();
    model.visit(&mut parameters);
    average.map(&mut Blend { values: parameters.values, next: 0, decay })
}

struct WithNewIds;

impl ModuleMapper for WithNewIds {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (_, value, mapper) = param.consume();
        Param::from_mapped_value(ParamId::new(), value.detach(), mapper)
    }
}

/// A model's parameters, numbered in the order of its fields.
#[derive(Default)]
struct Parameters {
    values: TensorContainer<usize>,
    count: usize,
}

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.register(self.count, param.val().detach());
        self.count += 1;
    }
}

/// Blends each parameter with the one of the same number in `values`.
struct Blend {
    values: TensorContainer<usize>,
    next: usize,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let other = self.values.remove::<Tensor<D>>(&self.next);
        self.next += 1;
        let (id, value, mapper) = param.consume();
        let value = match other {
            Some(other) => value.detach() * self.decay + other * (1.0 - self.decay),
            None => value,
        };
        Param::from_mapped_value(id, value.detach(), mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use marquee::Architecture;
    use marquee::architecture::seed_cnn::SeedCnnConfig;

    use super::*;

    /// Sets every parameter to one value.
    struct Fill(f64);

    impl ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, value, mapper) = param.consume();
            Param::from_mapped_value(id, value.zeros_like() + self.0, mapper)
        }
    }

    fn filled(value: f64) -> Model {
        let sizes = SeedCnnConfig { channels: [2, 2, 2], hidden: 3, ..SeedCnnConfig::default() };
        let model = Model::init(&Architecture::SeedCnn(sizes), [22, 22], 2, &Device::flex());
        model.unwrap_or_else(|error| panic!("{error}")).map(&mut Fill(value))
    }

    fn bias(model: &Model) -> f64 {
        let tensors = model.tensors().unwrap_or_else(|error| panic!("{error}"));
        let bias = tensors.iter().find(|tensor| tensor.name == "output.bias");
        bias.map_or(f64::NAN, |bias| bias.values[0].into())
    }

    #[test]
    fn twenty_steps_replace_the_initial_weights_of_the_average() {
        let trained = filled(1.0);
        let mut average = start(&filled(0.0));
        let mut without_warm_up = start(&filled(0.0));
        let mut initial = 1.0;
        for step in 1..=20 {
            average = update(average, &trained, decay_at(0.995, step));
            without_warm_up = update(without_warm_up, &trained, 0.995);
            initial *= (1.0 + step as f64) / (10.0 + step as f64);
        }
        assert!((bias(&average) - (1.0 - initial)).abs() < 1e-6, "{}", bias(&average));
        assert!(bias(&average) > 0.9999);
        // 1 - 0.995 ^ 20: nine tenths of the weights would be the initial ones.
        assert!((bias(&without_warm_up) - 0.0954).abs() < 1e-4, "{}", bias(&without_warm_up));
    }

    #[test]
    fn the_warm_up_ends_at_the_configured_decay() {
        assert_eq!(decay_at(0.995, 1), 2.0 / 11.0);
        assert_eq!(decay_at(0.995, 90), 0.91);
        assert!(decay_at(0.995, 1788) < 0.995);
        assert_eq!(decay_at(0.995, 1800), 0.995);
        assert_eq!(decay_at(0.1, 1), 0.1);
    }
}
