//! Exponential moving average (EMA) of a model's weights. The averaged weights lag behind training and perform better
//! than those of any single step (Polyak and Juditsky 1992).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use marquee::Model;

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
