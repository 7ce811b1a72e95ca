//! The convolutions that mobile networks are made of, each with its bias and its activation in one go.
//!
//! On the CPU they are kernels of our own (`conv/flex.rs`): Burn's general convolution spends most of its time
//! on depthwise layers, and its gradient walks over their channels one by one. So they are on WebGPU where nothing
//! learns (`conv/gpu.rs`). Everywhere else they are Burn's.

#[cfg(feature = "flex")]
mod depthwise;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "webgpu")]
mod gpu;
#[cfg(feature = "flex")]
mod product;

use burn::nn::conv::Conv2d;
#[cfg(feature = "autodiff")]
use burn::tensor::Device;
use burn::tensor::Tensor;

/// Whether a device is the CPU.
#[cfg(feature = "autodiff")]
pub(crate) fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return flex::is_flex(device);
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

/// What stands behind a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    /// The sum itself.
    Linear,
    /// The sum, held within 0..=6.
    Relu6,
}

/// A 1x1 convolution `[N, C, H, W] -> [N, O, H, W]`: each pixel for itself.
pub(crate) fn pointwise(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let (true, Some(bias)) = (flex::applies(&x), &conv.bias) {
        return flex::pointwise(x, conv.weight.val(), bias.val(), activation);
    }
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::fits(&x, &conv.weight.dims()[..2]), &conv.bias) {
        return gpu::pointwise(x, conv.weight.val(), bias.val(), activation);
    }
    general(conv, x, activation)
}

/// A 1x1 convolution without activation, to which `residual` is added, `[N, O, H, W]`.
pub(crate) fn pointwise_add(conv: &Conv2d, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::fits(&x, &conv.weight.dims()[..2]), &conv.bias) {
        return gpu::pointwise_add(x, conv.weight.val(), bias.val(), residual);
    }
    pointwise(conv, x, Activation::Linear) + residual
}

/// A convolution of each channel for itself, `[N, C, H, W] -> [N, C, ceil(H / stride), ceil(W / stride)]`,
/// padded as TensorFlow's "SAME".
pub(crate) fn depthwise(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let (true, Some(bias)) = (flex::applies(&x), &conv.bias) {
        let stride = conv.stride[0];
        return flex::depthwise(x, conv.weight.val(), bias.val(), stride, activation);
    }
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::fits(&x, &conv.weight.dims()[..1]), &conv.bias) {
        return gpu::depthwise(x, conv.weight.val(), bias.val(), conv.stride[0], activation);
    }
    general(conv, x, activation)
}

/// A convolution of a few channels, a picture's colours: `[N, C, H, W] -> [N, O, ceil(H / stride),
/// ceil(W / stride)]`, padded as TensorFlow's "SAME".
pub(crate) fn dense(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::fits(&x, &conv.weight.dims()[..1]), &conv.bias) {
        return gpu::dense(x, conv.weight.val(), bias.val(), conv.stride[0], activation);
    }
    general(conv, x, activation)
}

/// Any convolution, as Burn computes it.
fn general(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    let y = conv.forward(x);
    match activation {
        Activation::Linear => y,
        Activation::Relu6 => y.clamp(0.0, 6.0),
    }
}

#[cfg(all(test, feature = "flex", feature = "autodiff"))]
#[allow(clippy::unwrap_used)] // a test that fails should say where
mod tests {
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    type Layer = fn(&Conv2d, Tensor<4>, Activation) -> Tensor<4>;

    /// A layer's output and its gradients by input, weight and bias, for a loss that weighs every value.
    fn run(layer: Layer, conv: &Conv2d, x: &Tensor<4>, activation: Activation) -> [Tensor<4>; 4] {
        let x = x.clone().require_grad();
        let y = layer(conv, x.clone(), activation);
        let device = y.device();
        let weighing = Tensor::<1>::from_floats([0.3, -0.7, 1.1], &device);
        let weighing = weighing.repeat_dim(0, y.shape().num_elements().div_ceil(3));
        let weighing = weighing.slice(0..y.shape().num_elements()).reshape(y.dims());
        let gradients = (y.clone() * weighing).sum().backward();
        let bias = conv.bias.as_ref().unwrap().val();
        let channels = bias.dims()[0];
        [
            y.inner(),
            x.grad(&gradients).unwrap(),
            conv.weight.val().grad(&gradients).unwrap(),
            bias.grad(&gradients).unwrap().reshape([1, channels, 1, 1]),
        ]
    }

    fn check(layer: Layer, config: Conv2dConfig, [height, width]: [usize; 2]) {
        let device = Device::flex().autodiff();
        device.seed(7);
        let conv = config.with_padding(PaddingConfig2d::Same).init(&device);
        let shape = [3, config_channels(&conv), height, width];
        let x = Tensor::random(shape, Distribution::Uniform(-8.0, 8.0), &device);
        for activation in [Activation::Linear, Activation::Relu6] {
            let ours = run(layer, &conv, &x, activation);
            let burns = run(general, &conv, &x, activation);
            for (ours, burns) in ours.into_iter().zip(burns) {
                let tolerance = Tolerance::<f32>::rel_abs(1e-4, 1e-3);
                ours.into_data().assert_approx_eq(&burns.into_data(), tolerance);
            }
        }
    }

    fn config_channels(conv: &Conv2d) -> usize {
        conv.weight.dims()[1] * conv.groups
    }

    #[test]
    fn pointwise_and_its_gradients_are_burns() {
        check(pointwise, Conv2dConfig::new([5, 7], [1, 1]), [6, 9]);
    }

    #[test]
    fn depthwise_and_its_gradients_are_burns() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            for size in [[12, 8], [7, 5], [2, 3], [1, 1], [40, 61]] {
                let config = Conv2dConfig::new([4, 4], [kernel, kernel]).with_groups(4);
                check(depthwise, config.with_stride([stride, stride]), size);
            }
        }
    }
}
