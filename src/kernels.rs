//! The convolutions of mobile networks as Burn extensions, each fused with its bias and activation.
//!
//! On the CPU they are kernels of our own (`flex.rs`): Burn's general convolution spends most of its time on
//! depthwise layers, and its gradient processes their channels one by one. On WebGPU they are our own kernels
//! too (`gpu.rs`), except for training, as these have no gradients. Everywhere else they are Burn's
//! convolutions.

#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "webgpu")]
mod gpu;

use burn::nn::conv::Conv2d;
#[cfg(feature = "autodiff")]
use burn::tensor::Device;
use burn::tensor::Tensor;

/// Returns whether a device is the CPU.
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

/// The activation function after a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    /// The identity.
    Linear,
    /// Clamps to 0..=6.
    Relu6,
}

/// Computes a 1x1 convolution `[N, C, H, W] -> [N, O, H, W]`.
pub(crate) fn pointwise(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let (true, Some(bias)) = (flex::supports(&x), &conv.bias) {
        return flex::pointwise(x, conv.weight.val(), bias.val(), activation);
    }
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::supports(&x, &conv.weight.dims()[..2]), &conv.bias) {
        return gpu::pointwise(x, conv.weight.val(), bias.val(), activation);
    }
    general(conv, x, activation)
}

/// Computes a 1x1 convolution without activation and adds `residual`, `[N, O, H, W]`.
pub(crate) fn pointwise_add(conv: &Conv2d, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::supports(&x, &conv.weight.dims()[..2]), &conv.bias) {
        return gpu::pointwise_add(x, conv.weight.val(), bias.val(), residual);
    }
    pointwise(conv, x, Activation::Linear) + residual
}

/// Computes a depthwise convolution with "SAME" padding,
/// `[N, C, H, W] -> [N, C, ceil(H / stride), ceil(W / stride)]`.
pub(crate) fn depthwise(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let (true, Some(bias)) = (flex::supports(&x), &conv.bias) {
        let stride = conv.stride[0];
        return flex::depthwise(x, conv.weight.val(), bias.val(), stride, activation);
    }
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::supports(&x, &conv.weight.dims()[..1]), &conv.bias) {
        return gpu::depthwise(x, conv.weight.val(), bias.val(), conv.stride[0], activation);
    }
    general(conv, x, activation)
}

/// Computes a convolution of few input channels, such as a poster's three colours, with "SAME" padding:
/// `[N, C, H, W] -> [N, O, ceil(H / stride), ceil(W / stride)]`.
pub(crate) fn dense(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::supports(&x, &conv.weight.dims()[..1]), &conv.bias) {
        return gpu::dense(x, conv.weight.val(), bias.val(), conv.stride[0], activation);
    }
    general(conv, x, activation)
}

/// Computes any convolution with Burn's own operations.
fn general(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    let y = conv.forward(x);
    match activation {
        Activation::Linear => y,
        Activation::Relu6 => y.clamp(0.0, 6.0),
    }
}

#[cfg(all(test, feature = "flex", feature = "autodiff"))]
#[allow(clippy::unwrap_used)] // a failing test shows the line
mod tests {
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    type Layer = fn(&Conv2d, Tensor<4>, Activation) -> Tensor<4>;

    /// Returns a layer's output and its gradients with respect to input, weight and bias, for a loss that
    /// weights the output values differently.
    fn run(layer: Layer, conv: &Conv2d, x: &Tensor<4>, activation: Activation) -> [Tensor<4>; 4] {
        let x = x.clone().require_grad();
        let y = layer(conv, x.clone(), activation);
        let device = y.device();
        let loss_weights = Tensor::<1>::from_floats([0.3, -0.7, 1.1], &device);
        let loss_weights = loss_weights.repeat_dim(0, y.shape().num_elements().div_ceil(3));
        let loss_weights = loss_weights.slice(0..y.shape().num_elements()).reshape(y.dims());
        let gradients = (y.clone() * loss_weights).sum().backward();
        let bias = conv.bias.as_ref().unwrap().val();
        let channels = bias.dims()[0];
        [
            y.inner(),
            x.grad(&gradients).unwrap(),
            conv.weight.val().grad(&gradients).unwrap(),
            bias.grad(&gradients).unwrap().reshape([1, channels, 1, 1]),
        ]
    }

    fn assert_equals_burn(layer: Layer, config: Conv2dConfig, [height, width]: [usize; 2]) {
        let device = Device::flex().autodiff();
        device.seed(7);
        let conv = config.with_padding(PaddingConfig2d::Same).init(&device);
        let shape = [3, input_channels(&conv), height, width];
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

    fn input_channels(conv: &Conv2d) -> usize {
        conv.weight.dims()[1] * conv.groups
    }

    #[test]
    fn pointwise_and_its_gradients_equal_burns() {
        assert_equals_burn(pointwise, Conv2dConfig::new([5, 7], [1, 1]), [6, 9]);
    }

    #[test]
    fn depthwise_and_its_gradients_equal_burns() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            for size in [[12, 8], [7, 5], [2, 3], [1, 1], [40, 61]] {
                let config = Conv2dConfig::new([4, 4], [kernel, kernel]).with_groups(4);
                assert_equals_burn(depthwise, config.with_stride([stride, stride]), size);
            }
        }
    }
}
