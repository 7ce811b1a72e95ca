//! The convolutions on WebGPU, as an extension of Burn's Cube backend for inference; `shaders.rs` has the
//! kernels.
//!
//! Here a layer is one dispatch, including bias, activation and residual sum. Burn's convolutions do not fuse
//! these, and its 1x1 convolution is a matrix product that copies its input first.
//!
//! Between these kernels, feature maps are `[N, H, W, C]` in vectors of four channels, so that neighbouring
//! invocations read neighbouring memory at every image size. Burn sees an `[N, C, H, W]` tensor with the
//! strides of this layout, which any other operation can read.

mod shaders;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::ops::{permute_nchw_to_nhwc, permute_nhwc_to_nchw};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::{CubeCount, CubeDim};

use shaders::{COLUMNS, LANES, PIXELS, WindowLaunch};

use super::Activation;
use crate::padding::SameConv;

/// Invocations per workgroup.
const WORKGROUP: u32 = 64;

/// Convolutions with bias, activation and residual sum on Cube's own tensors. Weights have Burn's layouts.
#[backend_extension(Cube)]
pub(crate) trait CubeConvolutions: Backend {
    /// See [`super::pointwise`].
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu6: bool,
    ) -> FloatTensor<Self>;

    /// See [`super::pointwise_add`].
    fn pointwise_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// See [`super::depthwise`].
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        relu6: bool,
    ) -> FloatTensor<Self>;

    /// See [`super::dense`].
    fn dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        relu6: bool,
    ) -> FloatTensor<Self>;
}

/// Returns whether these kernels support a layer with the input `x`: on WebGPU, in single precision, without
/// gradients, and with numbers of `channels` that fill whole vectors.
pub(super) fn supports(x: &Tensor<4>, channels: &[usize]) -> bool {
    let device = x.device();
    !device.is_autodiff()
        && matches!(device.as_dispatch(), DispatchDevice::Cube(_))
        && x.dtype() == DType::F32
        && channels.iter().all(|channels| channels.is_multiple_of(LANES))
}

pub(super) fn pointwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as CubeConvolutions>::pointwise(x, weight, bias, relu6))
}

pub(super) fn pointwise_add(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    residual: Tensor<4>,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let residual = residual.into_dispatch();
    Tensor::from_dispatch(<Dispatch as CubeConvolutions>::pointwise_add(x, weight, bias, residual))
}

pub(super) fn depthwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as CubeConvolutions>::depthwise(x, weight, bias, stride, relu6))
}

pub(super) fn dense(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as CubeConvolutions>::dense(x, weight, bias, stride, relu6))
}

impl CubeConvolutions for Cube {
    fn pointwise(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, relu6: bool) -> CubeTensor {
        launch_pointwise(x, weight, bias, None, relu6)
    }

    fn pointwise_add(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        residual: CubeTensor,
    ) -> CubeTensor {
        launch_pointwise(x, weight, bias, Some(residual), false)
    }

    fn depthwise(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        stride: usize,
        relu6: bool,
    ) -> CubeTensor {
        let kernel = weight.meta.shape()[3];
        let x = channels_last(x);
        let [posters, height, width, channels] = x.meta.shape().dims();
        let conv = SameConv::new([height, width], kernel, stride);
        let [rows, columns] = conv.output;
        let y = empty(&x, [posters, rows, columns, channels]);
        let invocations = posters * tiles(&conv) * channels / LANES;
        let (count, dim) = grid(&x, invocations);
        shaders::depthwise::launch(
            &y.client.clone(),
            count,
            dim,
            LANES,
            x.into_tensor_arg(),
            into_contiguous(weight).into_tensor_arg(),
            into_contiguous(bias).into_tensor_arg(),
            y.clone().into_tensor_arg(),
            invocations,
            window(&conv),
            kernel,
            stride,
            relu6,
        );
        permute_nhwc_to_nchw(y)
    }

    fn dense(
        x: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        stride: usize,
        relu6: bool,
    ) -> CubeTensor {
        let [outputs, channels, kernel, _] = weight.meta.shape().dims();
        let x = into_contiguous(x);
        let [posters, _, height, width] = x.meta.shape().dims();
        let conv = SameConv::new([height, width], kernel, stride);
        let [rows, columns] = conv.output;
        let y = empty(&x, [posters, rows, columns, outputs]);
        let invocations = posters * tiles(&conv) * outputs / LANES;
        let (count, dim) = grid(&x, invocations);
        shaders::dense::launch(
            &y.client.clone(),
            count,
            dim,
            LANES,
            x.into_tensor_arg(),
            into_contiguous(weight).into_tensor_arg(),
            into_contiguous(bias).into_tensor_arg(),
            y.clone().into_tensor_arg(),
            invocations,
            channels,
            window(&conv),
            kernel,
            stride,
            relu6,
        );
        permute_nhwc_to_nchw(y)
    }
}

fn launch_pointwise(
    x: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
    residual: Option<CubeTensor>,
    relu6: bool,
) -> CubeTensor {
    let x = channels_last(x);
    let [posters, height, width, inputs] = x.meta.shape().dims();
    let outputs = weight.meta.shape()[0];
    let y = empty(&x, [posters, height, width, outputs]);
    let pixels = posters * height * width;
    let invocations = pixels.div_ceil(PIXELS) * outputs / LANES;
    let (count, dim) = grid(&x, invocations);
    let bias = into_contiguous(bias);
    let adds = residual.is_some();
    // Kernels have no optional arguments. Without a residual, the bias takes its place and is not read.
    let residual = residual.map_or_else(|| bias.clone(), channels_last);
    shaders::pointwise::launch(
        &y.client.clone(),
        count,
        dim,
        LANES,
        x.into_tensor_arg(),
        into_contiguous(weight).into_tensor_arg(),
        bias.into_tensor_arg(),
        residual.into_tensor_arg(),
        y.clone().into_tensor_arg(),
        pixels,
        inputs / LANES,
        outputs / LANES,
        relu6,
        adds,
    );
    permute_nhwc_to_nchw(y)
}

/// Returns `[N, C, H, W]` as a contiguous `[N, H, W, C]`. The outputs of these kernels need no copy.
fn channels_last(x: CubeTensor) -> CubeTensor {
    into_contiguous(permute_nchw_to_nhwc(x))
}

fn empty(like: &CubeTensor, shape: [usize; 4]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::new(shape), like.dtype)
}

/// Returns the number of workgroups for so many invocations, and their size.
fn grid(x: &CubeTensor, invocations: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(WORKGROUP);
    (cubecl::calculate_cube_count_elemwise(&x.client, invocations, dim), dim)
}

/// Returns the number of tiles, runs of [`COLUMNS`] positions of a row, in an output plane.
fn tiles(conv: &SameConv) -> usize {
    let [rows, columns] = conv.output;
    rows * columns.div_ceil(COLUMNS)
}

fn window(conv: &SameConv) -> WindowLaunch {
    let &SameConv { input: [height, width], output: [rows, columns], padding, .. } = conv;
    let [above, left] = padding;
    WindowLaunch::new(height, width, rows, columns, above, left)
}
