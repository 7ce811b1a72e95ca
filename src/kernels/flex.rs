//! Convolutions on the CPU, as an extension of Burn's Flex backend; `gradients.rs` makes them differentiable.
//!
//! A 1x1 convolution is a matrix product (`product.rs`). Bias and activation are applied in place, while the
//! values are still in the cache.

mod depthwise;
#[cfg(feature = "autodiff")]
mod gradients;
mod parallel;
mod product;

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::Activation;
use depthwise::{PhaseLayout, Scratch, UNLIMITED};
use parallel::for_each;
use product::{Accumulate, MatrixView, multiply};

/// Convolutions with bias and activation on a backend's own tensors.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait FlexConvolutions: Backend {
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

/// Returns whether these kernels support `x`: on the CPU, in single precision.
pub(super) fn supports(x: &Tensor<4>) -> bool {
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
    Tensor::from_dispatch(<Dispatch as FlexConvolutions>::pointwise(
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
    Tensor::from_dispatch(<Dispatch as FlexConvolutions>::depthwise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        stride,
        relu6,
    ))
}

impl FlexConvolutions for Flex {
    fn pointwise(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, relu6: bool) -> FlexTensor {
        let [posters, channels, height, width] = x.layout().shape().dims();
        let (outputs, pixels) = (weight.layout().shape()[0], height * width);
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let bias = bias.to_contiguous();
        let (x, weight): (&[f32], &[f32]) = (x.storage(), weight.storage());
        let bias: &[f32] = bias.storage();
        let [low, high] = limits(relu6);
        let mut y = vec![0.0; posters * outputs * pixels];
        // A small batch is also split by output channels, to occupy all cores.
        let rows = if posters < LARGE_BATCH { outputs.div_ceil(LARGE_BATCH) } else { outputs };
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
                    MatrixView::new(&weight[rows.start * channels..rows.end * channels], channels);
                let x = MatrixView::new(nth(x, channels * pixels, poster), pixels);
                multiply(weight, x, Accumulate::Replace, y);
                for (values, bias) in y.chunks_mut(pixels).zip(&bias[rows]) {
                    // Unlike `max` and `min`, `clamp` compiles to SIMD in wasm: it lets NaN pass.
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
        let (layer, x) = DepthwiseLayer::new(&x, &weight, stride);
        let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
        let (taps, bias): (&[f32], &[f32]) = (weight.storage(), bias.storage());
        let input: &[f32] = x.storage();
        let [height, width] = layer.layout.conv.output;
        let mut y = vec![0.0; layer.posters * layer.channels * height * width];
        let planes = layer.input_planes(input);
        for_each(
            y.chunks_mut(height * width).collect(),
            PLANES,
            || Scratch::new(layer.layout),
            |scratch, plane, output| {
                let channel = plane % layer.channels;
                let taps = layer.taps(taps, channel);
                scratch.forward(planes(plane), taps, bias[channel], limits(relu6), output);
            },
        );
        tensor(y, [layer.posters, layer.channels, height, width])
    }
}

/// Batch size from which one poster per task occupies all cores.
const LARGE_BATCH: usize = 8;

/// Fewest planes (channels of a poster) that a thread takes at a time.
const PLANES: usize = 8;

/// Returns values as a tensor. `FlexTensor::empty` would allocate twice and copy.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new::<f32, _>(values, shape))
}

/// Returns chunk number `index` of chunks of `size` values.
fn nth(values: &[f32], size: usize, index: usize) -> &[f32] {
    &values[index * size..][..size]
}

/// Returns the range to which a layer's outputs are clamped.
fn limits(relu6: bool) -> [f32; 2] {
    if relu6 { [0.0, 6.0] } else { UNLIMITED }
}

/// The sizes of a depthwise layer.
struct DepthwiseLayer {
    layout: PhaseLayout,
    posters: usize,
    channels: usize,
}

impl DepthwiseLayer {
    /// Returns the sizes, and `x` as a contiguous tensor.
    fn new(x: &FlexTensor, weight: &FlexTensor, stride: usize) -> (Self, FlexTensor) {
        let [posters, channels, height, width] = x.layout().shape().dims();
        let kernel = weight.layout().shape()[3];
        let layout = PhaseLayout::new([height, width], kernel, stride);
        (Self { layout, posters, channels }, x.to_contiguous())
    }

    /// Returns a channel's taps, `[kernel, kernel]`.
    fn taps<'a>(&self, weight: &'a [f32], channel: usize) -> &'a [f32] {
        nth(weight, self.layout.taps(), channel)
    }

    /// Returns a function from a plane's index, `poster * channels + channel`, to its input.
    fn input_planes<'a>(&self, input: &'a [f32]) -> impl Fn(usize) -> &'a [f32] + use<'a> {
        let size = self.layout.conv.input.iter().product::<usize>();
        move |plane| nth(input, size, plane)
    }
}
