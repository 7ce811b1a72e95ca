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
    if flex::supports(&x)
        && let Some(y) = flex::dense(conv, &x, activation)
    {
        return y;
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
    #[cfg(feature = "webgpu")]
    if let (true, Some(bias)) = (gpu::supports(&x, &conv.weight.dims()[..1]), &conv.bias) {
        return gpu::depthwise(x, conv.weight.val(), bias.val(), conv.stride[0], activation);
    }
    general(conv, x, activation)
}

/// An inverted residual block (Sandler et al. 2018, "MobileNetV2"): a 1x1 convolution to more channels and a depthwise
/// convolution, both with ReLU6, and a linear 1x1 convolution to fewer channels.
pub(crate) struct InvertedResidual<'a> {
    /// The first convolution; `None` leaves it out.
    pub(crate) expand: Option<&'a Conv2d>,
    pub(crate) depthwise: &'a Conv2d,
    pub(crate) project: &'a Conv2d,
    /// Whether the block adds its input to its output.
    pub(crate) residual: bool,
}

impl InvertedResidual<'_> {
    /// Maps `[N, inputs, H, W]` to `[N, outputs, ceil(H / stride), ceil(W / stride)]`. `scales`, `[N, 1, 1, 1]`, are
    /// factors of each poster's output before the residual sum.
    pub(crate) fn forward(&self, x: Tensor<4>, scales: Option<Tensor<4>>) -> Tensor<4> {
        #[cfg(feature = "flex")]
        if flex::supports(&x)
            && let Some(y) = flex::inverted_residual(self, &x, scales.as_ref())
        {
            return y;
        }
        self.unfused(x, scales)
    }

    /// Computes the same, one convolution after the other.
    fn unfused(&self, x: Tensor<4>, scales: Option<Tensor<4>>) -> Tensor<4> {
        let hidden = match self.expand {
            Some(expand) => pointwise(expand, x.clone(), Activation::Relu6),
            None => x.clone(),
        }; // [N, hidden, H, W]
        let hidden = depthwise(self.depthwise, hidden, Activation::Relu6);
        match scales {
            None if self.residual => pointwise_add(self.project, hidden, x),
            None => pointwise(self.project, hidden, Activation::Linear),
            Some(scales) => {
                let y = pointwise(self.project, hidden, Activation::Linear) * scales;
                if self.residual { y + x } else { y }
            }
        }
    }
}

/// Computes a convolution of few input channels, such as a poster's three colours, with "SAME" padding:
/// `[N, C, H, W] -> [N, O, ceil(H / stride), ceil(W / stride)]`.
pub(crate) fn dense(conv: &Conv2d, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if flex::supports(&x)
        && let Some(y) = flex::dense(conv, &x, activation)
    {
        return y;
    }
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
    use burn::tensor::{Device, Distribution, TensorData, Tolerance};

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

    /// The convolutions of a block with odd sizes: `[inputs, hidden, outputs]`, kernel and stride.
    struct BlockCase {
        channels: [usize; 3],
        kernel: usize,
        stride: usize,
        map: [usize; 2],
        scaled: bool,
    }

    /// Returns a block's output and its gradients with respect to the input and all weights and biases.
    fn run_block(
        block: &InvertedResidual<'_>,
        forward: impl Fn(&InvertedResidual<'_>, Tensor<4>) -> Tensor<4>,
        x: &Tensor<4>,
        loss_weights: &Tensor<4>,
    ) -> Vec<TensorData> {
        let x = x.clone().require_grad();
        let y = forward(block, x.clone());
        let gradients = (y.clone() * loss_weights.clone()).sum().backward();
        let mut results = vec![y.into_data(), x.grad(&gradients).unwrap().into_data()];
        for conv in block.expand.into_iter().chain([block.depthwise, block.project]) {
            results.push(conv.weight.val().grad(&gradients).unwrap().into_data());
            let bias = conv.bias.as_ref().unwrap().val();
            results.push(bias.grad(&gradients).unwrap().into_data());
        }
        results
    }

    fn assert_block_equals_burns(case: &BlockCase) {
        let device = Device::flex().autodiff();
        let [inputs, hidden, outputs] = case.channels;
        let pointwise_conv =
            |channels: [usize; 2]| Conv2dConfig::new(channels, [1, 1]).init(&device);
        let (expand, project) =
            (pointwise_conv([inputs, hidden]), pointwise_conv([hidden, outputs]));
        let depthwise = Conv2dConfig::new([hidden, hidden], [case.kernel, case.kernel])
            .with_groups(hidden)
            .with_stride([case.stride, case.stride])
            .with_padding(PaddingConfig2d::Same)
            .init(&device);
        let expand = (hidden != inputs).then_some(&expand);
        let residual = inputs == outputs && case.stride == 1;
        let block = InvertedResidual { expand, depthwise: &depthwise, project: &project, residual };
        let [height, width] = case.map;
        // Seven posters: neither tiles nor groups are full.
        let random =
            |shape: [usize; 4]| Tensor::random(shape, Distribution::Uniform(-4.0, 4.0), &device);
        let x = random([7, inputs, height, width]);
        let [height, width] = [height, width].map(|side| side.div_ceil(case.stride));
        let loss_weights = random([7, outputs, height, width]);
        let scales = Tensor::<1>::from_floats([0.0, 1.25, 1.0, 0.5, 0.0, 2.0, 1.25], &device);
        let scales = case.scaled.then(|| scales.reshape([7, 1, 1, 1]));

        let fused = |block: &InvertedResidual<'_>, x| block.forward(x, scales.clone());
        let unfused = |block: &InvertedResidual<'_>, x| block.unfused(x, scales.clone());
        let fused = run_block(&block, fused, &x, &loss_weights);
        let unfused = run_block(&block, unfused, &x, &loss_weights);
        assert_eq!(fused.len(), unfused.len());
        for (fused, unfused) in fused.into_iter().zip(unfused) {
            fused.assert_approx_eq(&unfused, Tolerance::<f32>::rel_abs(1e-3, 5e-3));
        }
    }

    #[test]
    fn dense_convolutions_and_their_gradients_equal_burns() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 2)] {
            for size in [[12, 8], [7, 5], [2, 3], [1, 1], [90, 31]] {
                let config = Conv2dConfig::new([3, 6], [kernel, kernel]);
                assert_equals_burn(dense, config.with_stride([stride, stride]), size);
            }
        }
    }

    #[test]
    fn blocks_and_their_gradients_equal_burns() {
        let case = |channels, kernel, stride, map| BlockCase {
            channels,
            kernel,
            stride,
            map,
            scaled: stride == 1,
        };
        let cases = [
            case([5, 30, 5], 3, 1, [12, 8]), // a residual sum, hidden channels that do not fill a register
            case([5, 30, 7], 5, 2, [7, 5]),  // an odd map, both stride and border in one window
            case([6, 6, 3], 3, 1, [4, 9]),   // no first convolution
            case([6, 6, 6], 3, 1, [5, 4]),   // the same with a residual sum
            case([3, 20, 4], 5, 1, [1, 1]),  // a map smaller than the kernel
            case([3, 20, 4], 3, 2, [2, 3]),
            case([16, 80, 16], 5, 1, [61, 40]), // several groups of channels
        ];
        cases.iter().for_each(assert_block_equals_burns);
    }
}
