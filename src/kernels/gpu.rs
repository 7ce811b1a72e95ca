//! The layers of EfficientNet-Lite on WebGPU, as kernels of our own beside Burn's Cube backend.
//!
//! Burn's convolutions neither add the bias nor hold the sum within 0..=6, and its 1x1 convolution is a matrix
//! product with a copy in front of it. Here a layer is one dispatch, the residual sum included.
//!
//! Between these kernels a feature map lies channels last, four channels a vector: neighbours in memory are then
//! what neighbouring invocations read, at every size of picture. To Burn it is `[N, C, H, W]` with strides that
//! say so, and every other operation reads it like any tensor.

mod kernels;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::ops::{permute_nchw_to_nhwc, permute_nhwc_to_nchw};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::{CubeCount, CubeDim};

use kernels::{COLUMNS, LANES, PIXELS, WindowLaunch};

use super::Activation;
use crate::padding;

/// Invocations of a workgroup.
const WORKGROUP: u32 = 64;

/// Convolutions with bias, activation and residual sum on Cube's own tensors. Weights are as Burn keeps them.
#[backend_extension(Cube)]
pub(crate) trait FusedConv: Backend {
    /// See [`super::pointwise`].
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu6: bool,
    ) -> FloatTensor<Self>;

    /// The same without activation, and `residual` added, which has the shape of the output.
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

/// Whether `x` lies where these kernels can read it, in the precision that they are written for.
fn applies(x: &Tensor<4>) -> bool {
    let device = x.device();
    !device.is_autodiff()
        && matches!(device.as_dispatch(), DispatchDevice::Cube(_))
        && x.dtype() == DType::F32
}

/// Whether these kernels can compute a layer from `x`, by channels that fill vectors.
pub(super) fn fits(x: &Tensor<4>, channels: &[usize]) -> bool {
    applies(x) && channels.iter().all(|channels| channels.is_multiple_of(LANES))
}

pub(super) fn pointwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    activation: Activation,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let relu6 = activation == Activation::Relu6;
    Tensor::from_dispatch(<Dispatch as FusedConv>::pointwise(x, weight, bias, relu6))
}

pub(super) fn pointwise_add(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    residual: Tensor<4>,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let residual = residual.into_dispatch();
    Tensor::from_dispatch(<Dispatch as FusedConv>::pointwise_add(x, weight, bias, residual))
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
    Tensor::from_dispatch(<Dispatch as FusedConv>::depthwise(x, weight, bias, stride, relu6))
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
    Tensor::from_dispatch(<Dispatch as FusedConv>::dense(x, weight, bias, stride, relu6))
}

impl FusedConv for Cube {
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
        let window = Sizes::new([height, width], kernel, stride);
        let y = empty(&x, [posters, window.rows, window.columns, channels]);
        let units = posters * window.tiles() * channels / LANES;
        let (count, dim) = grid(&x, units);
        kernels::depthwise::launch(
            &y.client.clone(),
            count,
            dim,
            LANES,
            x.into_tensor_arg(),
            into_contiguous(weight).into_tensor_arg(),
            into_contiguous(bias).into_tensor_arg(),
            y.clone().into_tensor_arg(),
            units,
            window.launch(),
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
        let window = Sizes::new([height, width], kernel, stride);
        let y = empty(&x, [posters, window.rows, window.columns, outputs]);
        let units = posters * window.tiles() * outputs / LANES;
        let (count, dim) = grid(&x, units);
        kernels::dense::launch(
            &y.client.clone(),
            count,
            dim,
            LANES,
            x.into_tensor_arg(),
            into_contiguous(weight).into_tensor_arg(),
            into_contiguous(bias).into_tensor_arg(),
            y.clone().into_tensor_arg(),
            units,
            channels,
            window.launch(),
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
    let units = pixels.div_ceil(PIXELS) * outputs / LANES;
    let (count, dim) = grid(&x, units);
    let bias = into_contiguous(bias);
    let adds = residual.is_some();
    // A kernel has its arguments always; this one does not read the residual unless it is to be added.
    let residual = residual.map_or_else(|| bias.clone(), channels_last);
    kernels::pointwise::launch(
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

/// `[N, C, H, W]` as `[N, H, W, C]` in one piece; nothing is copied for what these kernels computed.
fn channels_last(x: CubeTensor) -> CubeTensor {
    into_contiguous(permute_nchw_to_nhwc(x))
}

fn empty(like: &CubeTensor, shape: [usize; 4]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::new(shape), like.dtype)
}

fn grid(x: &CubeTensor, units: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(WORKGROUP);
    (cubecl::calculate_cube_count_elemwise(&x.client, units, dim), dim)
}

/// What the window of a convolution is moved over, in pixels.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    height: usize,
    width: usize,
    rows: usize,
    columns: usize,
    above: usize,
    left: usize,
}

impl Sizes {
    fn new([height, width]: [usize; 2], kernel: usize, stride: usize) -> Self {
        Self {
            height,
            width,
            rows: height.div_ceil(stride),
            columns: width.div_ceil(stride),
            above: padding::before(height, kernel, stride),
            left: padding::before(width, kernel, stride),
        }
    }

    /// Runs of [`COLUMNS`] neighbours in an output.
    fn tiles(&self) -> usize {
        self.rows * self.columns.div_ceil(COLUMNS)
    }

    fn launch(&self) -> WindowLaunch {
        let &Self { height, width, rows, columns, above, left } = self;
        WindowLaunch::new(height, width, rows, columns, above, left)
    }
}
