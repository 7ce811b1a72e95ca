//! The convolutions of `conv.rs` on the CPU, as an extension of Burn's Flex backend with gradients of its own.
//!
//! A 1x1 convolution is a matrix product (`product.rs`); bias and activation are applied in place while it is still
//! in the cache. What the gradients need is only a layer's input and its output.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::Activation;
use super::depthwise::{EVERYTHING, Geometry, Scratch};
use super::product::{Accum, Matrix, multiply};

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
        let (outputs, pixels) = (weight.layout().shape()[0], height * width);
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let bias = bias.to_contiguous();
        let (x, weight): (&[f32], &[f32]) = (x.storage(), weight.storage());
        let bias: &[f32] = bias.storage();
        let [low, high] = range(relu6);
        let mut y = vec![0.0; posters * outputs * pixels];
        // Few posters are shared out by their channels, or some cores would have nothing to do.
        let rows = if posters < MANY { outputs.div_ceil(MANY) } else { outputs };
        let each = y.chunks_mut(outputs * pixels).enumerate();
        let blocks = each.flat_map(|(poster, y)| {
            y.chunks_mut(rows * pixels).enumerate().map(move |(block, y)| (poster, block * rows, y))
        });
        for_each(
            blocks.collect(),
            1,
            || (),
            |(), _, (poster, first, y)| {
                let rows = first..first + y.len() / pixels;
                let weight =
                    Matrix::new(&weight[rows.start * channels..rows.end * channels], channels);
                let x = Matrix::new(nth(x, channels * pixels, poster), pixels);
                multiply(weight, x, Accum::Replace, y);
                for (values, bias) in y.chunks_mut(pixels).zip(&bias[rows]) {
                    // Unlike max and min, clamp is SIMD in wasm: it lets pass what is not a number.
                    values.iter_mut().for_each(|value| *value = (*value + bias).clamp(low, high));
                }
            },
        );
        tensor(y, [posters, outputs, height, width])
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
        let mut y = vec![0.0; layer.posters * layer.channels * height * width];
        let planes = layer.input_planes(input);
        for_each(
            y.chunks_mut(height * width).collect(),
            PLANES,
            || Scratch::new(layer.geometry),
            |scratch, plane, output| {
                let channel = plane % layer.channels;
                let taps = layer.taps(taps, channel);
                scratch.forward(planes(plane), taps, bias[channel], range(relu6), output);
            },
        );
        tensor(y, [layer.posters, layer.channels, height, width])
    }
}

/// Posters from which on each is a core's work by itself.
const MANY: usize = 8;

/// Planes that a core takes at once.
const PLANES: usize = 8;

/// Values as a tensor. `FlexTensor::empty` would reserve its memory twice and copy it.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new::<f32, _>(values, shape))
}

/// One piece of many of `size` values each.
fn nth(values: &[f32], size: usize, index: usize) -> &[f32] {
    &values[index * size..][..size]
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
        nth(weight, self.kernel * self.kernel, channel)
    }

    fn input_planes<'a>(&self, input: &'a [f32]) -> impl Fn(usize) -> &'a [f32] + use<'a> {
        let size = self.geometry.input.iter().product::<usize>();
        move |plane| nth(input, size, plane)
    }
}

/// Calls `work` for each item with its index, and with room to work in, on all cores where there are several, each of
/// which takes `grain` items at once.
fn for_each<T: Send, S>(
    items: Vec<T>,
    grain: usize,
    scratch: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, T) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        let items = items.into_par_iter().enumerate().with_min_len(grain);
        items.for_each_init(scratch, |scratch, (index, item)| work(scratch, index, item));
    }
    #[cfg(not(feature = "rayon"))]
    {
        let _ = grain;
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
    use burn::tensor::Shape;

    use super::*;
    use crate::kernels::depthwise::GradientScratch;

    /// What the gradients of a layer are computed from.
    #[derive(Debug, Clone)]
    struct State {
        x: FlexTensor,
        weight: FlexTensor,
        y: FlexTensor,
        stride: usize,
        relu6: bool,
    }

    /// Posters whose gradients are added up one after the other.
    const GROUP: usize = 4;

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

            let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
            let (gradient, bias) = through_activation(gradient, &y, outputs, relu6);
            let gradients_of_y: &[f32] = gradient.storage();
            let x: &[f32] = x.storage();
            let rows = Matrix::new(weight.storage(), channels);
            let [of_x, of_weight, of_bias] = ops.parents;
            if let Some(parent) = of_x {
                let mut of_x = vec![0.0; x.len()];
                for_each(
                    of_x.chunks_mut(channels * pixels).collect(),
                    1,
                    || (),
                    |(), poster, of_x| {
                        let of_y = nth(gradients_of_y, outputs * pixels, poster);
                        let of_y = Matrix::new(of_y, pixels);
                        multiply(rows.transposed(), of_y, Accum::Replace, of_x);
                    },
                );
                gradients
                    .register::<Flex>(parent.id, tensor(of_x, [posters, channels, height, width]));
            }
            if let Some(parent) = of_weight {
                // Summed in groups of as many, whatever the cores: their order decides how sums are rounded.
                let mut sums = vec![0.0; posters.div_ceil(GROUP) * outputs * channels];
                for_each(
                    sums.chunks_mut(outputs * channels).collect(),
                    1,
                    || (),
                    |(), group, sum| {
                        for poster in group * GROUP..((group + 1) * GROUP).min(posters) {
                            let of_y = nth(gradients_of_y, outputs * pixels, poster);
                            let x = Matrix::new(nth(x, channels * pixels, poster), pixels);
                            let of_y = Matrix::new(of_y, pixels);
                            multiply(of_y, x.transposed(), Accum::Add, sum);
                        }
                    },
                );
                let shape = Shape::new([outputs, channels, 1, 1]);
                let of_weight = sum_of_rows(&sums, outputs * channels, shape);
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
            // Without a parent nobody wants it: there is none for any plane then.
            let wanted = if of_x.is_some() { posters * channels * input_size } else { 0 };
            let mut of_input = vec![0.0; wanted];
            let mut of_inputs = of_input.chunks_mut(input_size);
            let planes = of_taps.chunks_mut(taps_size);
            let planes: Vec<_> = planes.map(|of_taps| (of_inputs.next(), of_taps)).collect();
            for_each(
                planes,
                PLANES,
                || GradientScratch::new(layer.geometry),
                |scratch, plane, (of_input, of_taps)| {
                    let output = nth(outputs, output_size, plane);
                    let taps = layer.taps(taps, plane % channels);
                    scratch.backward(inputs(plane), taps, output, of_taps, of_input);
                },
            );

            if let Some(parent) = of_x {
                let [height, width] = layer.geometry.input;
                let of_input = tensor(of_input, [posters, channels, height, width]);
                gradients.register::<Flex>(parent.id, of_input);
            }
            if let Some(parent) = of_weight {
                let shape = weight.layout().shape().clone();
                let of_weight = sum_of_rows(&of_taps, channels * taps_size, shape);
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
        mut gradient: FlexTensor,
        y: &FlexTensor,
        channels: usize,
        relu6: bool,
    ) -> (FlexTensor, FlexTensor) {
        // In the original's place, or there would be two and it would be written to a copy.
        gradient = gradient.to_contiguous();
        let y = y.to_contiguous();
        let y: &[f32] = y.storage();
        let planes: usize = gradient.layout().shape().dims::<4>().iter().take(2).product();
        let size = y.len() / planes;
        let mut sums = vec![0.0; planes];
        let values: &mut [f32] = gradient.storage_mut();
        let items: Vec<_> = values.chunks_mut(size).zip(&mut sums).collect();
        for_each(
            items,
            PLANES,
            || (),
            |(), plane, (values, sum)| {
                if relu6 {
                    for (value, y) in values.iter_mut().zip(nth(y, size, plane)) {
                        *value = if *y > 0.0 && *y < 6.0 { *value } else { 0.0 };
                    }
                }
                *sum = values.iter().sum();
            },
        );
        let bias = sum_of_rows(&sums, channels, Shape::new([channels]));
        (gradient, bias)
    }

    /// The sum of rows of `size` values.
    fn sum_of_rows(values: &[f32], size: usize, shape: Shape) -> FlexTensor {
        let mut sum = FlexTensor::zeros(shape, DType::F32);
        let sums: &mut [f32] = sum.storage_mut();
        for row in values.chunks_exact(size) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        sum
    }
}
