//! Convolutions on the CPU, as an extension of Burn's Flex backend; `gradients.rs` makes them differentiable.
//!
//! A 1x1 convolution is a matrix product (`product.rs`), and an inverted residual block is one kernel
//! (`inverted_residual.rs`). Bias and activation are applied in place, while the values are still in the cache.

mod depthwise;
#[cfg(feature = "autodiff")]
mod gradients;
mod inverted_residual;
mod parallel;
mod product;

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{Activation, InvertedResidual};
use crate::padding::SameConv;
use inverted_residual::{Block, Channels, Conv, Maps};
use parallel::for_each;
use product::{Accumulate, MatrixMut, MatrixView, multiply};

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

    /// See [`super::InvertedResidual`]; the map is `[N, H, W, C]`, and the weights are as in `Conv2d`.
    #[allow(clippy::too_many_arguments)] // the macro takes tensors one by one
    fn inverted_residual(
        x: FloatTensor<Self>,
        expand: FloatTensor<Self>,
        expand_bias: FloatTensor<Self>,
        depthwise: FloatTensor<Self>,
        depthwise_bias: FloatTensor<Self>,
        project: FloatTensor<Self>,
        project_bias: FloatTensor<Self>,
        options: BlockOptions,
    ) -> FloatTensor<Self>;

    /// An inverted residual block without its first convolution.
    fn separable(
        x: FloatTensor<Self>,
        depthwise: FloatTensor<Self>,
        depthwise_bias: FloatTensor<Self>,
        project: FloatTensor<Self>,
        project_bias: FloatTensor<Self>,
        options: BlockOptions,
    ) -> FloatTensor<Self>;
}

/// What a block's tensors do not show.
#[derive(Debug, Clone)]
pub(crate) struct BlockOptions {
    stride: usize,
    /// Whether the block adds its input to its output.
    residual: bool,
    /// A factor of each poster's output, before the residual sum.
    scales: Vec<f32>,
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

/// Returns the output `[N, outputs, H, W]` of a block, or `None` if one of its convolutions has no bias. The output lies
/// in memory with its channels last, as the next block wants it.
pub(super) fn inverted_residual(
    block: &InvertedResidual<'_>,
    x: &Tensor<4>,
    scales: Option<&Tensor<4>>,
) -> Option<Tensor<4>> {
    let scales = match scales {
        Some(scales) => scales.to_data().try_to_vec::<f32>().ok()?,
        None => vec![1.0; x.dims()[0]],
    };
    let tensors = |conv: &Conv2d| {
        let bias = conv.bias.as_ref()?.val();
        Some((conv.weight.val().into_dispatch(), bias.into_dispatch()))
    };
    let stride = block.depthwise.stride[0];
    let options = BlockOptions { stride, residual: block.residual, scales };
    let (depthwise, depthwise_bias) = tensors(block.depthwise)?;
    let (project, project_bias) = tensors(block.project)?;
    let expand = match block.expand {
        Some(conv) => Some(tensors(conv)?),
        None => None,
    };
    let x = x.clone().permute([0, 2, 3, 1]).into_dispatch();
    let y = match expand {
        Some((expand, expand_bias)) => <Dispatch as FlexConvolutions>::inverted_residual(
            x,
            expand,
            expand_bias,
            depthwise,
            depthwise_bias,
            project,
            project_bias,
            options,
        ),
        None => <Dispatch as FlexConvolutions>::separable(
            x,
            depthwise,
            depthwise_bias,
            project,
            project_bias,
            options,
        ),
    };
    Some(Tensor::<4>::from_dispatch(y).permute([0, 3, 1, 2]))
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
                let product = MatrixMut::columns(y, pixels, pixels);
                multiply(weight, x, Accumulate::Replace, product);
                for (values, bias) in y.chunks_mut(pixels).zip(&bias[rows]) {
                    // Unlike `max` and `min`, `clamp` compiles to SIMD in wasm: it lets NaN pass.
                    values.iter_mut().for_each(|value| *value = (*value + bias).clamp(low, high));
                }
            },
        );
        tensor(y, [posters, outputs, height, width])
    }

    fn inverted_residual(
        x: FlexTensor,
        expand: FlexTensor,
        expand_bias: FlexTensor,
        depthwise: FlexTensor,
        depthwise_bias: FlexTensor,
        project: FlexTensor,
        project_bias: FlexTensor,
        options: BlockOptions,
    ) -> FlexTensor {
        let convs = [expand, expand_bias, depthwise, depthwise_bias, project, project_bias];
        BlockTensors::new(&x, &convs, &options).forward()
    }

    fn separable(
        x: FlexTensor,
        depthwise: FlexTensor,
        depthwise_bias: FlexTensor,
        project: FlexTensor,
        project_bias: FlexTensor,
        options: BlockOptions,
    ) -> FlexTensor {
        let convs = [depthwise, depthwise_bias, project, project_bias];
        BlockTensors::new(&x, &convs, &options).forward()
    }
}

/// Batch size from which one poster per task occupies all cores.
const LARGE_BATCH: usize = 8;

/// Posters whose weight gradients are added up in sequence. The size is fixed, whatever the number of cores: the order
/// of a sum decides how it is rounded.
const GROUP: usize = 4;

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
    if relu6 { [0.0, 6.0] } else { [f32::NEG_INFINITY, f32::INFINITY] }
}

/// A block's input and the weights and biases of its two or three convolutions.
struct BlockTensors<'a> {
    x: FlexTensor,
    convs: Vec<FlexTensor>,
    options: &'a BlockOptions,
}

fn conv([weight, bias]: &[FlexTensor; 2]) -> Conv<'_> {
    Conv { weight: weight.storage(), bias: bias.storage() }
}

impl<'a> BlockTensors<'a> {
    fn new(x: &FlexTensor, convs: &[FlexTensor], options: &'a BlockOptions) -> Self {
        let convs = convs.iter().map(FlexTensor::to_contiguous).collect();
        Self { x: x.to_contiguous(), convs, options }
    }

    /// Returns the block with its weights laid out for the kernel.
    fn block(&self) -> Block<'_> {
        let [_, height, width, inputs] = self.x.layout().shape().dims();
        let (convs, _) = self.convs.as_chunks::<2>();
        let [.., depthwise, project] = convs else {
            unreachable!("a block has two or three convolutions")
        };
        let [hidden, _, kernel, _] = depthwise[0].layout().shape().dims();
        let outputs = project[0].layout().shape()[0];
        let expand = (convs.len() == 3).then(|| conv(&convs[0]));
        let BlockOptions { stride, residual, .. } = *self.options;
        let channels = Channels { inputs, hidden, outputs };
        let sizes = SameConv::new([height, width], kernel, stride);
        Block::new(sizes, channels, residual, expand, conv(depthwise), conv(project))
    }

    fn forward(&self) -> FlexTensor {
        let block = self.block();
        let posters = self.options.scales.len();
        let Channels { inputs, outputs, .. } = block.channels;
        let (before, after) = (block.input_pixels() * inputs, block.output_pixels() * outputs);
        let x: &[f32] = self.x.storage();
        let mut y = vec![0.0; posters * after];
        let tile = block.tile(GROUP);
        let tiles = y.chunks_mut(tile * after).zip(self.options.scales.chunks(tile));
        for_each(tiles.collect(), 1, Maps::default, |maps, index, (y, scales)| {
            let x = &x[index * tile * before..][..scales.len() * before];
            block.forward(maps, x, scales, y);
        });
        let [height, width] = block.conv.output;
        tensor(y, [posters, height, width, outputs])
    }
}
