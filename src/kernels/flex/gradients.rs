//! The gradients of the CPU convolutions, as operations of Burn's autodiff backend. `of_x` is the gradient of the loss with
//! respect to `x`.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::TensorData;

use super::dense::Buffers;
use super::inverted_residual::{Channels, GradientMaps, Tile};
use super::parallel::for_each;
use super::{BlockOptions, BlockTensors, DenseTensors, FlexConvolutions, GROUP};

/// The tensors that the gradients of a dense convolution are computed from. The output shows where the activation
/// clamped.
#[derive(Debug, Clone)]
struct DenseState {
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    y: FlexTensor,
    stride: usize,
    relu6: bool,
}

/// The convolution as an operation of the autodiff graph.
#[derive(Debug)]
struct DenseOperation;

/// The tensors that the gradients of a block are computed from. Everything else is computed again.
#[derive(Debug, Clone)]
struct BlockState {
    x: FlexTensor,
    convs: Vec<FlexTensor>,
    options: BlockOptions,
}

/// The block as an operation of the autodiff graph.
#[derive(Debug)]
struct BlockOperation;

impl<C: CheckpointStrategy> FlexConvolutions for Autodiff<Flex, C> {
    fn dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        relu6: bool,
    ) -> FloatTensor<Self> {
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let parents = [x_node, weight_node, bias_node];
        let prepared = DenseOperation.prepare::<C>(parents).compute_bound().stateful();
        let y = Flex::dense(x.clone(), weight.clone(), bias.clone(), stride, relu6);
        match prepared {
            OpsKind::Tracked(prepared) => {
                let state = DenseState { x, weight, bias, y: y.clone(), stride, relu6 };
                prepared.finish(state, y)
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

impl Backward<Flex, 3> for DenseOperation {
    type State = DenseState;

    fn backward(self, ops: Ops<DenseState, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let of_y = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let of_y: &[f32] = of_y.storage();
        let DenseState { x, weight, bias, y, stride, relu6 } = ops.state;
        let y: &[f32] = y.storage();
        let tensors = DenseTensors::new(&x, &weight, &bias, stride, relu6);
        let dense = tensors.dense();
        let (before, after) = (dense.input_size(), dense.output_size());
        let x_values: &[f32] = tensors.x.storage();
        let [x_parent, weight_parent, bias_parent] = ops.parents;

        let mut of_x = vec![0.0; if x_parent.is_some() { x_values.len() } else { 0 }];
        let mut of_xs = of_x.chunks_mut(GROUP * before);
        let groups = tensors.posters().div_ceil(GROUP);
        let mut sums: Vec<_> = (0..groups).map(|_| dense.zero_gradients()).collect();
        let groups = x_values.chunks(GROUP * before).zip(&mut sums);
        let groups: Vec<_> = groups.map(|(x, sums)| (x, sums, of_xs.next())).collect();
        for_each(groups, Buffers::default, |buffers, group, (x, sums, of_x)| {
            let first = group * GROUP * after;
            let end = (first + GROUP * after).min(y.len());
            dense.backward(buffers, x, [&y[first..end], &of_y[first..end]], of_x, sums);
        });

        if let Some(parent) = x_parent {
            let of_x = with_shape_of(of_x, &x);
            gradients.register::<Flex>(parent.id, of_x);
        }
        let sum = total(sums, |sum, other| sum.add(other), || dense.zero_gradients());
        let [of_weight, of_bias] = sum.into_weight_and_bias();
        if let Some(parent) = weight_parent {
            gradients.register::<Flex>(parent.id, with_shape_of(of_weight, &weight));
        }
        if let Some(parent) = bias_parent {
            gradients.register::<Flex>(parent.id, with_shape_of(of_bias, &bias));
        }
    }
}

/// Adds up gradients in their order. Returns `zero` if there are none.
fn total<G>(sums: Vec<G>, add: impl Fn(&mut G, &G), zero: impl FnOnce() -> G) -> G {
    let sum = sums.into_iter().reduce(|mut sum, other| {
        add(&mut sum, &other);
        sum
    });
    sum.unwrap_or_else(zero)
}

/// Returns values as a tensor of the same shape as another.
fn with_shape_of(values: Vec<f32>, tensor: &FlexTensor) -> FlexTensor {
    let shape = tensor.layout().shape().clone();
    FlexTensor::from_data(TensorData::new::<f32, _>(values, shape))
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
    let prepared = Backward::<Flex, PARENTS>::prepare::<C>(BlockOperation, parents);
    let prepared = prepared.compute_bound().stateful();
    let x = inputs.remove(0);
    let y = BlockTensors::new(&x, &inputs, &options).forward();
    match prepared {
        OpsKind::Tracked(prepared) => prepared.finish(BlockState { x, convs: inputs, options }, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}

impl<const PARENTS: usize> Backward<Flex, PARENTS> for BlockOperation {
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
        for_each(groups, GradientMaps::default, |maps, group, (scales, sums, of_x)| {
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
            gradients.register::<Flex>(parent.id, with_shape_of(of_x, &tensors.x));
        }
        let sum = total(sums, |sum, other| sum.add(other), || block.zero_gradients());
        let values = sum.into_convs(hidden).into_iter().flat_map(|conv| [conv.weight, conv.bias]);
        for ((parent, values), conv) in parents.zip(values).zip(&convs) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, with_shape_of(values, conv));
            }
        }
    }
}
