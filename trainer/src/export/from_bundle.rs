//! A bundle from another bundle, with another input size or precision.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use marquee::{Bundle, Manifest, Preprocess};
use serde_json::Value;

use super::Draft;
use super::calibrate::calibrate;
use super::compact::SAMPLES;
use crate::cli::ExportArgs;
use crate::config_keys;
use crate::data::additional::{self, AdditionalConfig, AdditionalSource};
use crate::data::dataset::Dataset;
use crate::data::posters::{Poster, Resolution};
use crate::data::split::{self, Split};
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
    let split = Split::from_manifest(&bundle.manifest, &dataset, args.skip_bad)?;
    let additional_evaluation =
        load_additional_test_split(args, &bundle.manifest, &dataset, &split)?;
    // The metrics are those of the former calibration.
    bundle.manifest.additional_metrics.clear();
    let Split { mut train, valid, test, .. } = split;
    let bundle = calibrate(bundle, &valid, device)?;
    let evaluation = if test.is_empty() { valid.clone() } else { test };
    train.truncate(SAMPLES);
    Ok(Draft { bundle, samples: train, validation: valid, evaluation, additional_evaluation })
}

/// Draws the additional test split of the bundle's training again, from the folders of `--also`; without them, it is
/// empty.
///
/// # Errors
/// A folder cannot be read, or holds other posters than those of the bundle's training.
fn load_additional_test_split(
    args: &ExportArgs,
    manifest: &Manifest,
    dataset: &Dataset,
    split: &Split,
) -> Result<Vec<Poster>> {
    let training = &manifest.training;
    if args.also.is_empty() {
        return Ok(Vec::new());
    }
    let recorded = |key| config_keys::recorded(&training.settings, key);
    let config = recorded("additional").context("the bundle records no additional posters")?;
    let config: AdditionalConfig = serde_json::from_value(config.clone())?;
    let grouped = recorded("group_near_duplicates").and_then(Value::as_bool).unwrap_or(false);
    let seed =
        split::recorded_seed(training).context("the bundle does not record its split_seed")?;
    let missing_genre = recorded("missing_genre").and_then(Value::as_str);
    let datasets = additional::read(&args.also, missing_genre, dataset)?;
    let source = AdditionalSource {
        config: &config,
        resolution: Resolution::Input(manifest.input.clone()),
        dir: &std::env::temp_dir(),
        seed,
        near_duplicates: grouped,
        skip_bad: args.skip_bad,
    };
    let posters = source.load(&datasets, dataset, split)?;
    let sizes = [posters.train.len(), posters.test.len()];
    let expected = [training.additional_posters, training.additional_test_posters];
    ensure!(
        sizes == expected,
        "--also has {} training and {} test posters, but the bundle was trained on others ({} and {}): \
         name the folders of its training, in the same order",
        sizes[0],
        sizes[1],
        expected[0],
        expected[1]
    );
    Ok(posters.test)
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
    // The mean of several runs records the settings of each.
    let runs = match settings {
        Value::Array(runs) => runs.as_mut_slice(),
        settings => std::slice::from_mut(settings),
    };
    for settings in runs.iter_mut().filter_map(Value::as_object_mut) {
        settings.remove("enlarge"); // the key's former name
        settings.insert("inference_scale".into(), ((scale * 1e4).round() / 1e4).into());
    }
    manifest.input = Preprocess { width, height, ..manifest.input.clone() };
    Ok(())
}
