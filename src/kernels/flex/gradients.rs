//! The gradients of the CPU convolutions, as operations of Burn's autodiff backend. They need only a layer's input,
//! weight and output: the output shows where the activation clamped.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{DType, Shape};

use super::depthwise::GradientScratch;
use super::parallel::for_each;
use super::product::{Accumulate, MatrixView, multiply};
use super::{DepthwiseLayer, FlexConvolutions, PLANES, nth, tensor};

/// The tensors and options that a layer's gradients are computed from.
#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    y: FlexTensor,
    stride: usize,
    relu6: bool,
}

/// Posters whose weight gradients are added up in sequence.
const GROUP: usize = 4;

#[derive(Debug)]
struct Pointwise;

#[derive(Debug)]
struct Depthwise;

impl<C: CheckpointStrategy> FlexConvolutions for Autodiff<Flex, C> {
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu6: bool,
    ) -> FloatTensor<Self> {
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let parents = [x_node, weight_node, bias_node];
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
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let parents = [x_node, weight_node, bias_node];
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
        let (gradient, of_bias) = through_activation(gradient, &y, outputs, relu6);
        let of_y: &[f32] = gradient.storage();
        let x: &[f32] = x.storage();
        let weight = MatrixView::new(weight.storage(), channels);
        let of_y = |poster| MatrixView::new(nth(of_y, outputs * pixels, poster), pixels);
        let [x_parent, weight_parent, bias_parent] = ops.parents;
        if let Some(parent) = x_parent {
            let mut of_x = vec![0.0; x.len()];
            for_each(
                of_x.chunks_mut(channels * pixels).collect(),
                1,
                || (),
                |(), poster, of_x| {
                    multiply(weight.transposed(), of_y(poster), Accumulate::Replace, of_x);
                },
            );
            gradients.register::<Flex>(parent.id, tensor(of_x, [posters, channels, height, width]));
        }
        if let Some(parent) = weight_parent {
            // Groups of a fixed size, whatever the number of cores: the order of a sum decides how it is rounded.
            let mut sums = vec![0.0; posters.div_ceil(GROUP) * outputs * channels];
            for_each(
                sums.chunks_mut(outputs * channels).collect(),
                1,
                || (),
                |(), group, sum| {
                    for poster in group * GROUP..((group + 1) * GROUP).min(posters) {
                        let x = MatrixView::new(nth(x, channels * pixels, poster), pixels);
                        multiply(of_y(poster), x.transposed(), Accumulate::Add, sum);
                    }
                },
            );
            let shape = Shape::new([outputs, channels, 1, 1]);
            let of_weight = sum_of_rows(&sums, outputs * channels, shape);
            gradients.register::<Flex>(parent.id, of_weight);
        }
        if let Some(parent) = bias_parent {
            gradients.register::<Flex>(parent.id, of_bias);
        }
    }
}

impl Backward<Flex, 3> for Depthwise {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let State { x, weight, y, stride, relu6 } = ops.state;
        let (layer, x) = DepthwiseLayer::new(&x, &weight, stride);
        let DepthwiseLayer { layout, posters, channels } = layer;
        let (gradient, of_bias) = through_activation(gradient, &y, channels, relu6);
        let weight = weight.to_contiguous();
        let taps: &[f32] = weight.storage();
        let of_outputs: &[f32] = gradient.storage();
        let inputs = layer.input_planes(x.storage());
        let output_size: usize = layout.conv.output.iter().product();
        let input_size: usize = layout.conv.input.iter().product();

        let [x_parent, weight_parent, bias_parent] = ops.parents;
        let taps_size = layout.taps();
        let mut of_taps = vec![0.0; posters * channels * taps_size];
        // Without a parent, the input's gradient is not needed: the buffer is empty and no plane gets a part of it.
        let needed = if x_parent.is_some() { posters * channels * input_size } else { 0 };
        let mut of_input = vec![0.0; needed];
        let mut of_inputs = of_input.chunks_mut(input_size);
        let planes = of_taps.chunks_mut(taps_size);
        let planes: Vec<_> = planes.map(|of_taps| (of_inputs.next(), of_taps)).collect();
        for_each(
            planes,
            PLANES,
            || GradientScratch::new(layout),
            |scratch, plane, (of_input, of_taps)| {
                let of_output = nth(of_outputs, output_size, plane);
                let taps = layer.taps(taps, plane % channels);
                scratch.backward(inputs(plane), taps, of_output, of_taps, of_input);
            },
        );

        if let Some(parent) = x_parent {
            let [height, width] = layout.conv.input;
            let of_input = tensor(of_input, [posters, channels, height, width]);
            gradients.register::<Flex>(parent.id, of_input);
        }
        if let Some(parent) = weight_parent {
            let shape = weight.layout().shape().clone();
            let of_weight = sum_of_rows(&of_taps, channels * taps_size, shape);
            gradients.register::<Flex>(parent.id, of_weight);
        }
        if let Some(parent) = bias_parent {
            gradients.register::<Flex>(parent.id, of_bias);
        }
    }
}

/// Returns the gradient before the activation, given the gradient after it and the layer's output `y`, and its
/// sum over each channel, which is the gradient of the bias.
fn through_activation(
    mut gradient: FlexTensor,
    y: &FlexTensor,
    channels: usize,
    relu6: bool,
) -> (FlexTensor, FlexTensor) {
    // Replaces the original: with two owners, writing would copy it.
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
    let of_bias = sum_of_rows(&sums, channels, Shape::new([channels]));
    (gradient, of_bias)
}

/// Returns the sum of the rows of a matrix with rows of `size` values.
fn sum_of_rows(values: &[f32], size: usize, shape: Shape) -> FlexTensor {
    let mut sum = FlexTensor::zeros(shape, DType::F32);
    let sums: &mut [f32] = sum.storage_mut();
    for row in values.chunks_exact(size) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sum
}
