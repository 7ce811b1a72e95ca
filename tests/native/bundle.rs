//! Invalid bundles are refused with a reason, and writing replaces the old bundle as a whole.

use std::path::Path;

use burn::tensor::Device;
use marquee::architecture::Architecture;
use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
use marquee::bundle::WeightFile;
use marquee::{Bundle, Error, Model, Precision};

const MANIFEST: &str = include_str!("../fixtures/tiny/model.json");
const WEIGHTS: &[u8] = include_bytes!("../fixtures/tiny/weights.safetensors");

fn refusal(manifest: &str, weights: &[u8]) -> Error {
    Bundle::from_parts(manifest, weights, &Device::flex()).expect_err("the bundle must be refused")
}

fn changed(from: &str, to: &str) -> String {
    assert!(MANIFEST.contains(from), "{from} is not in the manifest");
    MANIFEST.replacen(from, to, 1)
}

/// Returns `manifest` with the length and hash of `weights`.
fn describing(weights: &[u8], manifest: &str) -> String {
    let mut json: serde_json::Value = serde_json::from_str(manifest).unwrap();
    json["weights"] = serde_json::to_value(WeightFile::describe(weights)).unwrap();
    json.to_string()
}

#[test]
fn refuses_truncated_weights() {
    let error = refusal(MANIFEST, &WEIGHTS[..1000]);
    assert!(matches!(error, Error::WeightsLength { found: 1000, .. }), "{error}");
    assert!(error.to_string().contains("weights.safetensors"), "{error}");
}

#[test]
fn refuses_weights_with_another_hash() {
    let mut damaged = WEIGHTS.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let error = refusal(MANIFEST, &damaged);
    assert!(matches!(error, Error::WeightsHash { .. }), "{error}");
}

#[test]
fn refuses_weights_of_another_shape() {
    let error = refusal(&changed("\"hidden\": 16", "\"hidden\": 24"), WEIGHTS);
    assert!(matches!(error, Error::WeightsShape { .. }), "{error}");
    assert!(error.to_string().contains("hidden.weight"), "{error}");
}

#[test]
fn refuses_weights_that_are_not_safetensors() {
    for weights in [&b""[..], b"no", &[0xff; 64], &WEIGHTS[..WEIGHTS.len() - 3]] {
        let error = refusal(&describing(weights, MANIFEST), weights);
        assert!(matches!(error, Error::WeightsShape { .. }), "{error}");
    }
}

#[test]
fn refuses_invalid_manifests() {
    for (from, to, reason) in [
        ("\"width\": 64", "\"width\": 0", "each side"),
        ("\"width\": 64", "\"width\": 100000", "each side"),
        ("\"width\": 64", "\"width\": 10", "at least 22"),
        ("\"temperature\": 0.5", "\"temperature\": 0", "temperature"),
        ("\"Drama\"", "\"Comedy\"", "twice"),
        ("\"threshold\": 0.5", "\"threshold\": 1.5", "threshold"),
        ("weights.safetensors", "../weights.safetensors", "plain file name"),
        ("\"seed-cnn\"", "\"resnet\"", "resnet"),
        ("\"temperature\": 0.5,", "", "temperature"),
    ] {
        let error = refusal(&changed(from, to), WEIGHTS);
        assert!(matches!(error, Error::Manifest { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert!(matches!(refusal("{", WEIGHTS), Error::Manifest { .. }));
}

#[test]
fn refuses_a_newer_format_and_advises_an_update() {
    let error = refusal(&changed("\"format_version\": 1", "\"format_version\": 9"), WEIGHTS);
    assert!(matches!(error, Error::FormatVersion { found: 9, .. }), "{error}");
    assert!(error.to_string().contains("update Marquee"), "{error}");
}

#[test]
fn names_a_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = Bundle::read(dir.path(), &Device::flex()).unwrap_err();
    assert!(error.to_string().contains("model.json"), "{error}");
    std::fs::write(dir.path().join("model.json"), MANIFEST).unwrap();
    let error = Bundle::read(dir.path(), &Device::flex()).unwrap_err();
    assert!(error.to_string().contains("weights.safetensors"), "{error}");
}

#[test]
fn writing_replaces_the_old_bundle_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex();
    let mut bundle = Bundle::from_parts(MANIFEST, WEIGHTS, &device).unwrap();
    bundle.write(dir.path(), Precision::Half).unwrap();
    let stale = dir.path().join("model-000000000000.safetensors");
    std::fs::write(&stale, b"weights of an earlier bundle").unwrap();
    bundle.write(dir.path(), Precision::Half).unwrap();

    assert!(!stale.exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    let read = Bundle::read(dir.path(), &device).unwrap();
    assert_eq!(read.manifest, bundle.manifest);
}

#[test]
fn names_a_folder_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let mut bundle = Bundle::from_parts(MANIFEST, WEIGHTS, &Device::flex()).unwrap();
    let error = bundle.write(Path::new(&file), Precision::Half).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

/// Returns an EfficientNet-Lite0 bundle with random weights, its manifest and its weights in 8 bits.
fn in_8_bits(device: &Device) -> (Bundle, String, Vec<u8>) {
    device.seed(7);
    let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
    let tiny = Bundle::from_parts(MANIFEST, WEIGHTS, device).unwrap();
    let mut manifest = tiny.manifest;
    let model = Model::init(&architecture, [64, 96], manifest.genres.len(), device).unwrap();
    manifest.architecture = architecture;
    let mut bundle = Bundle { manifest, model };
    let (json, weights) = pollster::block_on(bundle.to_parts(Precision::Int8)).unwrap();
    (bundle, json, weights)
}

#[test]
fn eight_bit_weights_are_half_as_large_and_off_by_half_a_step_at_most() {
    let device = Device::flex();
    let (mut bundle, json, int8) = in_8_bits(&device);
    let (_, half) = pollster::block_on(bundle.to_parts(Precision::Half)).unwrap();
    assert!(int8.len() * 100 < half.len() * 56, "{} of {}", int8.len(), half.len());

    let read = Bundle::from_parts(&json, &int8, &device).unwrap();
    let [expected, read] = [&bundle.model, &read.model].map(|model| model.tensors().unwrap());
    for (expected, read) in expected.iter().zip(&read) {
        assert_eq!((&expected.name, &expected.shape), (&read.name, &read.shape));
        let largest = expected.values.iter().fold(0f32, |largest, v| largest.max(v.abs()));
        // Half a quantisation step of the channel with the largest weight, plus rounding to half precision.
        let allowed = largest / 127.0 * 0.51 + largest * 1e-3;
        let errors = expected.values.iter().zip(&read.values).map(|(a, b)| (a - b).abs());
        let error = errors.fold(0.0, f32::max);
        assert!(error <= allowed, "{}: off by {error}, more than {allowed}", expected.name);
    }
}

#[test]
fn refuses_eight_bit_weights_without_their_scale() {
    let (_, json, int8) = in_8_bits(&Device::flex());
    // The header is JSON: replacing a name by one of the same length keeps every offset.
    let name = b"last.weight.scale";
    let place = int8.windows(name.len()).position(|bytes| bytes == name).unwrap();
    let mut renamed = int8;
    renamed[place..place + name.len()].copy_from_slice(b"last.weight.scalp");
    let error = refusal(&describing(&renamed, &json), &renamed);
    assert!(matches!(error, Error::WeightsShape { .. }), "{error}");
    assert!(error.to_string().contains("last.weight.scale"), "{error}");
}
