//! An exponential moving average of a network's weights: it lags behind training, and judges better than any
//! single step's weights (Polyak and Juditsky 1992).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use marquee::Model;

/// A copy of `model` to average into: parameters of its own, without gradients.
pub(crate) fn start(model: &Model) -> Model {
    model.clone().map(&mut Renamed).no_grad()
}

/// Moves `average` towards `model` by `1 - decay` of the way.
pub(crate) fn update(average: Model, model: &Model, decay: f64) -> Model {
    let mut collected = Collected::default();
    model.visit(&mut collected);
    average.map(&mut Towards { values: collected.values, next: 0, decay })
}

struct Renamed;

impl ModuleMapper for Renamed {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (_, value, mapper) = param.consume();
        Param::from_mapped_value(ParamId::new(), value.detach(), mapper)
    }
}

/// A network's parameters in the order of its fields.
#[derive(Default)]
struct Collected {
    values: TensorContainer<usize>,
    count: usize,
}

impl ModuleVisitor for Collected {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.register(self.count, param.val().detach());
        self.count += 1;
    }
}

struct Towards {
    values: TensorContainer<usize>,
    next: usize,
    decay: f64,
}

impl ModuleMapper for Towards {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let towards = self.values.remove::<Tensor<D>>(&self.next);
        self.next += 1;
        let (id, value, mapper) = param.consume();
        let value = match towards {
            Some(towards) => value.detach() * self.decay + towards * (1.0 - self.decay),
            None => value,
        };
        Param::from_mapped_value(id, value.detach(), mapper)
    }
}
