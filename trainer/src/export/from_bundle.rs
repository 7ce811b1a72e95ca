//! A bundle from another bundle, with another input size or precision.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::{Bundle, Manifest, Preprocess};
use serde_json::Value;

use super::Draft;
use super::calibrate::calibrate;
use crate::cli::ExportArgs;
use crate::config_keys;
use crate::data::dataset::Dataset;
use crate::data::split::Split;
use crate::training::config::accepts_any_size;

/// Reads the bundle in `dir`, applies the options in `args`, and fits calibration and thresholds again, on the
/// validation split of its training.
///
/// # Errors
/// Fails if the bundle or its posters cannot be read, or if the model has a fixed input size and `--input` is given.
pub(crate) fn draft(args: &ExportArgs, dir: &Path, device: &Device) -> Result<Draft> {
    let mut bundle = Bundle::read(dir, device).with_context(|| dir.display().to_string())?;
    if let Some(size) = args.input {
        change_input_size(&mut bundle.manifest, size)?;
    }
    if let Some(licence) = &args.licence {
        bundle.manifest.training.licence.clone_from(licence);
    }
    let data = args.data.as_deref().context("--bundle needs --data")?;
    // A run on the first rows drew its splits from those rows.
    let limit = config_keys::recorded(&bundle.manifest.training.settings, "limit");
    let limit = limit.and_then(Value::as_u64).map(|rows| rows as usize);
    let dataset = Dataset::for_bundle(data, limit, &bundle.manifest)?;
    let Split { valid, test, .. } =
        Split::from_manifest(&bundle.manifest, &dataset, args.skip_bad)?;
    // Its additional test posters are not at hand, and their metrics are those of the former calibration.
    bundle.manifest.additional_metrics.clear();
    bundle.manifest.training.additional_test_posters = 0;
    let bundle = calibrate(bundle, &valid, device)?;
    let evaluation = if test.is_empty() { valid.clone() } else { test };
    Ok(Draft { bundle, validation: valid, evaluation, additional_evaluation: Vec::new() })
}

fn change_input_size(manifest: &mut Manifest, [width, height]: [u32; 2]) -> Result<()> {
    let name = manifest.architecture.name();
    ensure!(
        accepts_any_size(&manifest.architecture),
        "--input {width}x{height}: the input size of a {name} cannot change"
    );
    // The recorded scale is relative to the training size, so it grows with the width.
    let settings = &mut manifest.training.settings;
    let scale = config_keys::recorded(settings, "inference_scale").and_then(Value::as_f64);
    let scale = scale.unwrap_or(1.0) * f64::from(width) / f64::from(manifest.input.width);
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("enlarge"); // the key's former name
        settings.insert("inference_scale".into(), ((scale * 1e4).round() / 1e4).into());
    }
    manifest.input = Preprocess { width, height, ..manifest.input.clone() };
    Ok(())
}
