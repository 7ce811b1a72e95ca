//! The convolutions of `conv.rs` on the CPU, as an extension of Burn's Flex backend with gradients of its own.
//!
//! A 1x1 convolution is a matrix product, which Flex does well; bias and activation are then applied in
//! place. What the gradients need is only a layer's input and its output.

use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Device, Shape, Tensor};

use super::Activation;
use super::depthwise::{EVERYTHING, Geometry, Scratch};

/// Convolutions with bias and activation on a backend's own tensors.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait FusedConv: Backend {
    /// See [`super::pointwise`]; the weight is `[O, C, 1, 1]`, the bias `[O]`.
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu6: bool,
    ) -> FloatTensor<Self>;

    /// See [`super::depthwise`]; the weight is `[C, 1, K, K]`, the bias `[C]`.
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        relu6: bool,
    ) -> FloatTensor<Self>;
}

/// Whether `x` lies where these kernels can read it, in the precision that they are written for.
pub(super) fn applies(x: &Tensor<4>) -> bool {
    is_flex(&x.device()) && x.dtype() == DType::F32
}

pub(super) fn is_flex(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

pub(super) fn pointwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<4> {
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as FusedConv>::pointwise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        relu6,
    ))
}

pub(super) fn depthwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as FusedConv>::depthwise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        stride,
        relu6,
    ))
}

impl FusedConv for Flex {
    fn pointwise(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, relu6: bool) -> FlexTensor {
        let [posters, channels, height, width] = x.layout().shape().dims();
        let outputs = weight.layout().shape()[0];
        let x = x.reshape(Shape::new([posters, channels, height * width]));
        let weight = weight.reshape(Shape::new([1, outputs, channels]));
        let mut y = Flex::float_matmul(weight, x);
        let bias = bias.to_contiguous();
        let [low, high] = range(relu6);
        let bias: &[f32] = bias.storage();
        let planes: Vec<&mut [f32]> = y.storage_mut().chunks_mut(height * width).collect();
        for_each(
            planes,
            || (),
            |(), plane, values| {
                let bias = bias[plane % outputs];
                // Unlike max and min, clamp is SIMD in wasm: it lets pass what is not a number.
                values.iter_mut().for_each(|value| *value = (*value + bias).clamp(low, high));
            },
        );
        y.reshape(Shape::new([posters, outputs, height, width]))
    }

    fn depthwise(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        relu6: bool,
    ) -> FlexTensor {
        let (layer, x) = Layer::new(&x, &weight, stride);
        let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
        let (taps, bias): (&[f32], &[f32]) = (weight.storage(), bias.storage());
        let input: &[f32] = x.storage();
        let [height, width] = layer.geometry.output;
        let shape = Shape::new([layer.posters, layer.channels, height, width]);
        let mut y = FlexTensor::empty(shape, DType::F32);
        let planes = layer.input_planes(input);
        let outputs: Vec<&mut [f32]> = y.storage_mut().chunks_mut(height * width).collect();
        for_each(
            outputs,
            || Scratch::new(layer.geometry),
            |scratch, plane, output| {
                let channel = plane % layer.channels;
                let taps = layer.taps(taps, channel);
                scratch.forward(planes(plane), taps, bias[channel], range(relu6), output);
            },
        );
        y
    }
}

fn range(relu6: bool) -> [f32; 2] {
    if relu6 { [0.0, 6.0] } else { EVERYTHING }
}

/// Sizes of a depthwise layer.
struct Layer {
    geometry: Geometry,
    posters: usize,
    channels: usize,
    kernel: usize,
}

impl Layer {
    /// The sizes, and `x` in one piece.
    fn new(x: &FlexTensor, weight: &FlexTensor, stride: usize) -> (Self, FlexTensor) {
        let [posters, channels, height, width] = x.layout().shape().dims();
        let kernel = weight.layout().shape()[3];
        let geometry = Geometry::new([height, width], kernel, stride);
        (Self { geometry, posters, channels, kernel }, x.to_contiguous())
    }

    fn taps<'a>(&self, weight: &'a [f32], channel: usize) -> &'a [f32] {
        let taps = self.kernel * self.kernel;
        &weight[channel * taps..(channel + 1) * taps]
    }

    fn input_planes<'a>(&self, input: &'a [f32]) -> impl Fn(usize) -> &'a [f32] + use<'a> {
        let size = self.geometry.input.iter().product::<usize>();
        move |plane| &input[plane * size..(plane + 1) * size]
    }
}

/// Calls `work` for each item with its index, and with room to work in, on all cores where there are several.
fn for_each<T: Send, S>(
    items: Vec<T>,
    scratch: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, T) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        let items = items.into_par_iter().enumerate().with_min_len(8);
        items.for_each_init(scratch, |scratch, (index, item)| work(scratch, index, item));
    }
    #[cfg(not(feature = "rayon"))]
    {
        let mut scratch = scratch();
        let items = items.into_iter().enumerate();
        items.for_each(|(index, item)| work(&mut scratch, index, item));
    }
}

#[cfg(feature = "autodiff")]
mod gradients {
    use burn::backend::Autodiff;
    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};

    use super::*;
    use crate::conv::depthwise::GradientScratch;

    /// What the gradients of a layer are computed from.
    #[derive(Debug, Clone)]
    struct State {
        x: FlexTensor,
        weight: FlexTensor,
        y: FlexTensor,
        stride: usize,
        relu6: bool,
    }

    #[derive(Debug)]
    struct Pointwise;

    #[derive(Debug)]
    struct Depthwise;

    impl<C: CheckpointStrategy> FusedConv for Autodiff<Flex, C> {
        fn pointwise(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            relu6: bool,
        ) -> FloatTensor<Self> {
            let ((x, of_x), (weight, of_weight)) = (x.into_parts(), weight.into_parts());
            let (bias, of_bias) = bias.into_parts();
            let parents = [of_x, of_weight, of_bias];
            let prepared = Pointwise.prepare::<C>(parents).compute_bound().stateful();
            let y = Flex::pointwise(x.clone(), weight.clone(), bias, relu6);
            match prepared {
                OpsKind::Tracked(prepared) => {
                    prepared.finish(State { x, weight, y: y.clone(), stride: 1, relu6 }, y)
                }
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            }
        }

        fn depthwise(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            stride: usize,
            relu6: bool,
        ) -> FloatTensor<Self> {
            let ((x, of_x), (weight, of_weight)) = (x.into_parts(), weight.into_parts());
            let (bias, of_bias) = bias.into_parts();
            let parents = [of_x, of_weight, of_bias];
            let prepared = Depthwise.prepare::<C>(parents).compute_bound().stateful();
            let y = Flex::depthwise(x.clone(), weight.clone(), bias, stride, relu6);
            match prepared {
                OpsKind::Tracked(prepared) => {
                    prepared.finish(State { x, weight, y: y.clone(), stride, relu6 }, y)
                }
                OpsKind::UnTracked(prepared) => prepared.finish(y),
            }
        }
    }

    impl Backward<Flex, 3> for Pointwise {
        type State = State;

        fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
            let gradient = gradients.consume::<Flex>(&ops.node);
            let State { x, weight, y, relu6, .. } = ops.state;
            let [posters, channels, height, width] = x.layout().shape().dims();
            let outputs = weight.layout().shape()[0];
            let pixels = height * width;

            let (gradient, bias) = through_activation(gradient, &y, outputs, relu6);
            let gradient = gradient.reshape(Shape::new([posters, outputs, pixels]));
            let [of_x, of_weight, of_bias] = ops.parents;
            if let Some(parent) = of_x {
                let weight = weight.reshape(Shape::new([1, outputs, channels])).transpose(1, 2);
                let of_x = Flex::float_matmul(weight, gradient.clone());
                let of_x = of_x.reshape(Shape::new([posters, channels, height, width]));
                gradients.register::<Flex>(parent.id, of_x);
            }
            if let Some(parent) = of_weight {
                let x = x.reshape(Shape::new([posters, channels, pixels])).transpose(1, 2);
                let each = Flex::float_matmul(gradient, x); // [N, O, C]
                let sum = Flex::float_sum_dim(each, 0);
                let of_weight = sum.reshape(Shape::new([outputs, channels, 1, 1]));
                gradients.register::<Flex>(parent.id, of_weight);
            }
            if let Some(parent) = of_bias {
                gradients.register::<Flex>(parent.id, bias);
            }
        }
    }

    impl Backward<Flex, 3> for Depthwise {
        type State = State;

        fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
            let gradient = gradients.consume::<Flex>(&ops.node);
            let State { x, weight, y, stride, relu6 } = ops.state;
            let (layer, x) = Layer::new(&x, &weight, stride);
            let Layer { posters, channels, kernel, .. } = layer;
            let (gradient, bias) = through_activation(gradient, &y, channels, relu6);
            let weight = weight.to_contiguous();
            let taps: &[f32] = weight.storage();
            let outputs: &[f32] = gradient.storage();
            let inputs = layer.input_planes(x.storage());
            let output_size: usize = layer.geometry.output.iter().product();
            let input_size: usize = layer.geometry.input.iter().product();

            let [of_x, of_weight, of_bias] = ops.parents;
            let taps_size = kernel * kernel;
            let mut of_taps = vec![0.0; posters * channels * taps_size];
            let mut of_input = FlexTensor::empty(x.layout().shape().clone(), DType::F32);
            let wanted = of_x.is_some();
            let planes = of_input.storage_mut().chunks_mut(input_size);
            let planes: Vec<_> = planes.zip(of_taps.chunks_mut(taps_size)).collect();
            for_each(
                planes,
                || GradientScratch::new(layer.geometry),
                |scratch, plane, (of_input, of_taps)| {
                    let output = &outputs[plane * output_size..(plane + 1) * output_size];
                    let taps = layer.taps(taps, plane % channels);
                    let of_input = wanted.then_some(of_input);
                    scratch.backward(inputs(plane), taps, output, of_taps, of_input);
                },
            );

            if let Some(parent) = of_x {
                gradients.register::<Flex>(parent.id, of_input);
            }
            if let Some(parent) = of_weight {
                let shape = weight.layout().shape().clone();
                let of_weight = sum_over_posters(&of_taps, channels * taps_size, shape);
                gradients.register::<Flex>(parent.id, of_weight);
            }
            if let Some(parent) = of_bias {
                gradients.register::<Flex>(parent.id, bias);
            }
        }
    }

    /// The gradient in front of the activation, from the one behind it and the layer's output `y`; and its
    /// sum over each of the `channels`, which is the bias's.
    fn through_activation(
        gradient: FlexTensor,
        y: &FlexTensor,
        channels: usize,
        relu6: bool,
    ) -> (FlexTensor, FlexTensor) {
        // A clone would be written to a copy.
        let mut gradient =
            if gradient.is_contiguous() { gradient } else { gradient.to_contiguous() };
        let y = y.to_contiguous();
        let y: &[f32] = y.storage();
        let planes: usize = gradient.layout().shape().dims::<4>().iter().take(2).product();
        let size = y.len() / planes;
        let mut sums = vec![0.0; planes];
        let values: &mut [f32] = gradient.storage_mut();
        let items: Vec<_> = values.chunks_mut(size).zip(&mut sums).collect();
        for_each(
            items,
            || (),
            |(), plane, (values, sum)| {
                if relu6 {
                    let y = &y[plane * size..(plane + 1) * size];
                    for (value, y) in values.iter_mut().zip(y) {
                        *value = if *y > 0.0 && *y < 6.0 { *value } else { 0.0 };
                    }
                }
                *sum = values.iter().sum();
            },
        );
        let bias = sum_over_posters(&sums, channels, Shape::new([channels]));
        (gradient, bias)
    }

    /// The sum of rows of `size` values, one row a poster.
    fn sum_over_posters(values: &[f32], size: usize, shape: Shape) -> FlexTensor {
        let mut sum = FlexTensor::zeros(shape, DType::F32);
        let sums: &mut [f32] = sum.storage_mut();
        for row in values.chunks_exact(size) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        sum
    }
}
