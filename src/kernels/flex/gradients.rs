//! The gradients of the CPU convolutions, as operations of Burn's autodiff backend.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{DType, Shape, TensorData};

use super::inverted_residual::{Channels, GradientMaps, Tile};
use super::parallel::for_each;
use super::product::{Accumulate, MatrixMut, MatrixView, multiply};
use super::{BlockOptions, BlockTensors, FlexConvolutions, GROUP, LARGE_BATCH, nth, tensor};

/// The tensors that the gradients of a 1x1 convolution are computed from. The output shows where the activation
/// clamped.
#[derive(Debug, Clone)]
struct PointwiseState {
    x: FlexTensor,
    weight: FlexTensor,
    y: FlexTensor,
    relu6: bool,
}

#[derive(Debug)]
struct Pointwise;

/// The tensors that the gradients of a block are computed from: it computes everything else again.
#[derive(Debug, Clone)]
struct BlockState {
    x: FlexTensor,
    convs: Vec<FlexTensor>,
    options: BlockOptions,
}

#[derive(Debug)]
struct Block;

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
                prepared.finish(PointwiseState { x, weight, y: y.clone(), relu6 }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn inverted_residual(
        x: FloatTensor<Self>,
        expand: FloatTensor<Self>,
        expand_bias: FloatTensor<Self>,
        depthwise: FloatTensor<Self>,
        depthwise_bias: FloatTensor<Self>,
        project: FloatTensor<Self>,
        project_bias: FloatTensor<Self>,
        options: BlockOptions,
    ) -> FloatTensor<Self> {
        let convs = [expand, expand_bias, depthwise, depthwise_bias, project, project_bias];
        tracked_block::<C, 6, 7>(x, convs, options)
    }

    fn separable(
        x: FloatTensor<Self>,
        depthwise: FloatTensor<Self>,
        depthwise_bias: FloatTensor<Self>,
        project: FloatTensor<Self>,
        project_bias: FloatTensor<Self>,
        options: BlockOptions,
    ) -> FloatTensor<Self> {
        let convs = [depthwise, depthwise_bias, project, project_bias];
        tracked_block::<C, 4, 5>(x, convs, options)
    }
}

impl Backward<Flex, 3> for Pointwise {
    type State = PointwiseState;

    fn backward(
        self,
        ops: Ops<PointwiseState, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let PointwiseState { x, weight, y, relu6 } = ops.state;
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
                    let of_x = MatrixMut::columns(of_x, pixels, pixels);
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
                        let sum = MatrixMut::columns(sum, channels, channels);
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

/// Runs a block with `CONVS` weights and biases and registers it for the backward pass, with `PARENTS = CONVS + 1`
/// parents.
fn tracked_block<C: CheckpointStrategy, const CONVS: usize, const PARENTS: usize>(
    x: FloatTensor<Autodiff<Flex, C>>,
    convs: [FloatTensor<Autodiff<Flex, C>>; CONVS],
    options: BlockOptions,
) -> FloatTensor<Autodiff<Flex, C>> {
    let mut tensors = std::iter::once(x).chain(convs).map(|tensor| tensor.into_parts());
    let mut inputs = Vec::with_capacity(PARENTS);
    let parents = std::array::from_fn(|_| {
        let Some((tensor, node)) = tensors.next() else {
            unreachable!("a block has as many parents as tensors")
        };
        inputs.push(tensor);
        node
    });
    let prepared = Backward::<Flex, PARENTS>::prepare::<C>(Block, parents);
    let prepared = prepared.compute_bound().stateful();
    let x = inputs.remove(0);
    let y = BlockTensors::new(&x, &inputs, &options).forward();
    match prepared {
        OpsKind::Tracked(prepared) => prepared.finish(BlockState { x, convs: inputs, options }, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}

impl<const PARENTS: usize> Backward<Flex, PARENTS> for Block {
    type State = BlockState;

    fn backward(
        self,
        ops: Ops<BlockState, PARENTS>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let of_y = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let of_y: &[f32] = of_y.storage();
        let BlockState { x, convs, options } = ops.state;
        let tensors = BlockTensors::new(&x, &convs, &options);
        let block = tensors.block();
        let Channels { inputs, hidden, outputs } = block.channels;
        let (before, after) = (block.input_pixels() * inputs, block.output_pixels() * outputs);
        let x: &[f32] = tensors.x.storage();
        let scales = &options.scales;
        let mut parents = ops.parents.into_iter();
        let x_parent = parents.next().flatten();

        let mut of_x = vec![0.0; if x_parent.is_some() { x.len() } else { 0 }];
        let mut of_xs = of_x.chunks_mut(GROUP * before);
        let mut sums: Vec<_> = scales.chunks(GROUP).map(|_| block.zero_gradients()).collect();
        let tile = block.tile(GROUP);
        let groups = scales.chunks(GROUP).zip(&mut sums);
        let groups: Vec<_> = groups.map(|(scales, sums)| (scales, sums, of_xs.next())).collect();
        for_each(groups, 1, GradientMaps::default, |maps, group, (scales, sums, of_x)| {
            let mut of_xs = of_x.map(|of_x| of_x.chunks_mut(tile * before));
            for (index, scales) in scales.chunks(tile).enumerate() {
                let first = group * GROUP + index * tile;
                let posters = first..first + scales.len();
                let tile = Tile {
                    x: &x[posters.start * before..posters.end * before],
                    scales,
                    of_y: &of_y[posters.start * after..posters.end * after],
                    of_x: of_xs.as_mut().and_then(Iterator::next),
                };
                block.backward(maps, tile, sums);
            }
        });

        if let Some(parent) = x_parent {
            let [posters, height, width, _] = tensors.x.layout().shape().dims();
            gradients.register::<Flex>(parent.id, tensor(of_x, [posters, height, width, inputs]));
        }
        let sum = sums.into_iter().reduce(|mut sum, other| {
            sum.add(&other);
            sum
        });
        let sum = sum.unwrap_or_else(|| block.zero_gradients());
        let values = sum.into_convs(hidden).into_iter().flat_map(|conv| [conv.weight, conv.bias]);
        for ((parent, values), conv) in parents.zip(values).zip(&convs) {
            if let Some(parent) = parent {
                let shape = conv.layout().shape().clone();
                let gradient = FlexTensor::from_data(TensorData::new::<f32, _>(values, shape));
                gradients.register::<Flex>(parent.id, gradient);
            }
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
        LARGE_BATCH,
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
