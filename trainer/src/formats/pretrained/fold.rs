//! Folds each batch norm into the convolution before it: `w' = w * g / sqrt(v + e)` and
//! `b' = b - m * g / sqrt(v + e)`, for its scale g, shift b, mean m and variance v (Jacob et al. 2018, "Quantization and
//! Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 3.2).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use marquee::architecture::efficientnet_lite::BlockPlan;

use super::{FloatTensor, Tensors};

/// The epsilon of TensorFlow's EfficientNets, which the weights come from.
const BATCH_NORM_EPSILON: f32 = 1e-3;

/// Returns the model's tensors under the model's names.
///
/// # Errors
/// Fails if a tensor is missing, unexpected or of another shape.
pub(super) fn fold_batch_norms(
    mut tensors: Tensors,
    plan: &[BlockPlan],
    with_head: bool,
) -> Result<BTreeMap<String, FloatTensor>> {
    let mut folded = BTreeMap::new();
    let mut fold = |conv: &str, norm: &str, name: &str| -> Result<()> {
        let (weight, bias) = fold_one(&mut tensors, conv, norm)?;
        folded.insert(format!("{name}.weight"), weight);
        folded.insert(format!("{name}.bias"), bias);
        Ok(())
    };
    fold("_conv_stem", "_bn0", "stem")?;
    fold("_conv_head", "_bn1", "last")?;
    for (index, block) in plan.iter().enumerate() {
        let path = &block.path;
        for (part, norm) in [("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")] {
            if block.expands() || part != "expand" {
                let source = format!("_blocks.{index}");
                let (conv, norm) = (format!("{source}._{part}_conv"), format!("{source}.{norm}"));
                fold(&conv, &norm, &format!("{path}.{part}"))?;
            }
        }
    }
    let weight = tensors.remove("_fc.weight");
    let bias = tensors.remove("_fc.bias");
    if with_head {
        let weight = weight.context("_fc.weight is missing")?;
        folded.insert("head.weight".into(), transposed(&weight)?);
        folded.insert("head.bias".into(), bias.context("_fc.bias is missing")?);
    }
    let unexpected: BTreeSet<&String> = tensors.keys().collect();
    if let Some(name) = unexpected.first() {
        bail!(
            "the weights belong to another model: {} tensors are unexpected, the first is {name}",
            unexpected.len()
        );
    }
    Ok(folded)
}

/// Removes a convolution and its batch norm from `tensors`, and returns the folded weight and bias.
fn fold_one(tensors: &mut Tensors, conv: &str, norm: &str) -> Result<(FloatTensor, FloatTensor)> {
    let mut take = |name: String| {
        let found = tensors.remove(&name);
        found.with_context(|| format!("the weights belong to another model: {name} is missing"))
    };
    let mut weight = take(format!("{conv}.weight"))?;
    let scale = take(format!("{norm}.weight"))?;
    let shift = take(format!("{norm}.bias"))?;
    let mean = take(format!("{norm}.running_mean"))?;
    let variance = take(format!("{norm}.running_var"))?;
    let outputs = weight.shape.first().copied().unwrap_or(0);
    for tensor in [&scale, &shift, &mean, &variance] {
        ensure!(
            tensor.data.len() == outputs,
            "{norm} has {} channels, but {conv} has {outputs}",
            tensor.data.len()
        );
    }
    let factor =
        |channel: usize| scale.data[channel] / (variance.data[channel] + BATCH_NORM_EPSILON).sqrt();
    let weights_per_channel = weight.data.len() / outputs.max(1);
    let channels = weight.data.chunks_exact_mut(weights_per_channel.max(1));
    for (channel, weights) in channels.enumerate() {
        weights.iter_mut().for_each(|weight| *weight *= factor(channel));
    }
    let bias =
        (0..outputs).map(|channel| shift.data[channel] - mean.data[channel] * factor(channel));
    let bias = FloatTensor { shape: vec![outputs], data: bias.collect() };
    Ok((weight, bias))
}

/// Transposes a linear layer's weight from PyTorch's `[outputs, inputs]` to Burn's `[inputs, outputs]`.
fn transposed(weight: &FloatTensor) -> Result<FloatTensor> {
    let &[outputs, inputs] = weight.shape.as_slice() else {
        bail!("_fc.weight has {} dimensions, not 2", weight.shape.len());
    };
    let at = |index: usize| weight.data[index % outputs * inputs + index / outputs];
    let data = (0..outputs * inputs).map(at).collect();
    Ok(FloatTensor { shape: vec![inputs, outputs], data })
}
