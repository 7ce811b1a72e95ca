//! Convolutions on the CPU, as an extension of Burn's Flex backend; `gradients.rs` makes them differentiable.
//!
//! A 1x1 convolution is a matrix product (`product.rs`), and an inverted residual block is one kernel
//! (`inverted_residual.rs`). Bias and activation are applied in place, while the values are still in the cache.

mod dense;
mod depthwise;
#[cfg(feature = "autodiff")]
mod gradients;
mod inverted_residual;
mod parallel;
mod product;
mod rows;

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{Activation, InvertedResidual};
use crate::padding::SameConv;
use dense::Dense;
use inverted_residual::{Block, Channels, Conv, Maps};
use parallel::for_each;
use rows::RELU6;

/// Convolutions with bias and activation on a backend's own tensors.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait FlexConvolutions: Backend {
    /// A convolution with "SAME" padding whose outputs read all channels, to `[N, H, W, O]`. The weight is
    /// `[O, C, K, K]`, the bias `[O]`. The input is `[N, C, H, W]`, or `[N, H, W, C]` if K is 1, as is the stride then.
    fn dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
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

/// Returns a convolution's output `[N, O, H, W]`, or `None` if it has no bias or is not of the supported kind.
pub(super) fn dense(conv: &Conv2d, x: &Tensor<4>, activation: Activation) -> Option<Tensor<4>> {
    let (stride, kernel) = (conv.stride[0], conv.weight.dims()[2]);
    if conv.groups != 1 || (kernel == 1 && stride != 1) {
        return None;
    }
    let x = x.clone();
    let x = if kernel == 1 { x.permute([0, 2, 3, 1]) } else { x };
    let y = <Dispatch as FlexConvolutions>::dense(
        x.into_dispatch(),
        conv.weight.val().into_dispatch(),
        conv.bias.as_ref()?.val().into_dispatch(),
        stride,
        activation == Activation::Relu6,
    );
    Some(Tensor::<4>::from_dispatch(y).permute([0, 3, 1, 2]))
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
    fn dense(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        relu6: bool,
    ) -> FlexTensor {
        DenseTensors::new(&x, &weight, &bias, stride, relu6).forward()
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

/// Posters whose weight gradients are added up in sequence. The size is fixed, whatever the number of cores: the order
/// of a sum decides how it is rounded.
const GROUP: usize = 4;

/// Returns values as a tensor. `FlexTensor::empty` would allocate twice and copy.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new::<f32, _>(values, shape))
}

/// Returns the range to which a layer's outputs are clamped.
fn limits(relu6: bool) -> [f32; 2] {
    if relu6 { RELU6 } else { [f32::NEG_INFINITY, f32::INFINITY] }
}

/// The tensors and options of a dense convolution.
struct DenseTensors {
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    stride: usize,
    relu6: bool,
}

impl DenseTensors {
    fn new(
        x: &FlexTensor,
        weight: &FlexTensor,
        bias: &FlexTensor,
        stride: usize,
        relu6: bool,
    ) -> Self {
        let [x, weight, bias] = [x, weight, bias].map(FlexTensor::to_contiguous);
        Self { x, weight, bias, stride, relu6 }
    }

    /// Returns the convolution with its weight laid out for the kernel.
    fn dense(&self) -> Dense<'_> {
        let [_, inputs, kernel, _] = self.weight.layout().shape().dims();
        let [_, a, b, c] = self.x.layout().shape().dims();
        let map = if kernel == 1 { [a, b] } else { [b, c] };
        let conv = SameConv::new(map, kernel, self.stride);
        Dense::new(conv, inputs, self.weight.storage(), self.bias.storage(), limits(self.relu6))
    }

    fn posters(&self) -> usize {
        self.x.layout().shape()[0]
    }

    fn forward(&self) -> FlexTensor {
        let dense = self.dense();
        let x: &[f32] = self.x.storage();
        let mut y = vec![0.0; self.posters() * dense.output_size()];
        let tile = dense.tile(GROUP);
        let tiles = y.chunks_mut(tile * dense.output_size());
        let tiles = tiles.zip(x.chunks(tile * dense.input_size()));
        for_each(tiles.collect(), Vec::new, |patches, _, (y, x)| dense.forward(patches, x, y));
        let [height, width] = dense.conv.output;
        tensor(y, [self.posters(), height, width, dense.outputs])
    }
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
        for_each(tiles.collect(), Maps::default, |maps, index, (y, scales)| {
            let x = &x[index * tile * before..][..scales.len() * before];
            block.forward(maps, x, scales, y);
        });
        let [height, width] = block.conv.output;
        tensor(y, [posters, height, width, outputs])
    }
}
