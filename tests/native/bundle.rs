//! Invalid bundles are refused with a reason, and writing replaces the old bundle as a whole.

use burn::tensor::Device;
use marquee::architecture::Architecture;
use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
use marquee::bundle::{GenreQuality, Metric, WeightFile};
use marquee::{Bundle, BundleFiles, Error, Model, Precision};

const MANIFEST: &str = include_str!("../fixtures/tiny/model.json");
const WEIGHTS: &[u8] = include_bytes!("../fixtures/tiny/weights.safetensors");

fn refusal(manifest: &str, weights: &[u8]) -> Error {
    let loaded = BundleFiles::from_parts(manifest, weights.to_vec());
    let loaded = loaded.and_then(|files| Bundle::load(&files, &Device::flex()));
    loaded.expect_err("the bundle must be refused")
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

fn tiny() -> BundleFiles {
    BundleFiles::from_parts(MANIFEST, WEIGHTS.to_vec()).unwrap()
}

/// Returns a bundle with other weights than [`tiny`], and thus another weight file.
fn other() -> BundleFiles {
    let (manifest, mut weights) = tiny().into_parts();
    *weights.last_mut().unwrap() ^= 1;
    BundleFiles::new(manifest, weights)
}

/// Returns the names of the files in a folder, in alphabetical order.
fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn writing_replaces_the_old_bundle_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    tiny().write(&dir).unwrap();
    let other = other();
    other.write(&dir).unwrap();
    assert_eq!(names(&dir), [other.manifest().weights.file.as_str(), "model.json"]);
    assert_eq!(BundleFiles::read(&dir).unwrap(), other);
}

#[test]
fn writing_leaves_files_that_the_old_bundle_does_not_name() {
    let dir = tempfile::tempdir().unwrap();
    // Weights of another bundle, as a build might collect them beside this one.
    std::fs::write(dir.path().join("model-000000000000.safetensors"), b"somebody's").unwrap();
    tiny().write(&dir).unwrap();
    let other = other();
    other.write(&dir).unwrap();
    let mut expected = vec!["model-000000000000.safetensors", "model.json"];
    expected.push(&other.manifest().weights.file);
    expected.sort();
    assert_eq!(names(&dir), expected);
}

#[test]
fn writing_leaves_a_file_that_has_taken_the_old_weights_name() {
    let dir = tempfile::tempdir().unwrap();
    tiny().write(&dir).unwrap();
    let old = tiny().manifest().weights.file.clone();
    std::fs::write(dir.path().join(&old), b"somebody's").unwrap();
    other().write(&dir).unwrap();
    assert!(names(&dir).contains(&old));
}

#[test]
fn encoding_a_bundle_leaves_its_manifest_as_it_is() {
    let bundle = Bundle::load(&tiny(), &Device::flex()).unwrap();
    let before = bundle.manifest.clone();
    let files = pollster::block_on(bundle.encode(Precision::Int8)).unwrap();
    assert_eq!(bundle.manifest, before);
    files.manifest().weights.check(files.weights()).unwrap();
    assert_ne!(files.manifest().weights, before.weights);
}

#[test]
fn a_bundle_in_one_file_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.safetensors");
    std::fs::write(&path, tiny().to_single_file().unwrap()).unwrap();
    assert_eq!(BundleFiles::read(path).unwrap(), tiny());
}

#[test]
fn names_a_folder_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = tiny().write(&file).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

/// Returns an EfficientNet-Lite0 bundle with random weights, and its files in 8 bits.
fn in_8_bits(device: &Device) -> (Bundle, BundleFiles) {
    device.seed(7);
    let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
    let (mut manifest, _) = tiny().into_parts();
    let model = Model::init(&architecture, [64, 96], manifest.genres.len(), device).unwrap();
    manifest.architecture = architecture;
    let bundle = Bundle { manifest, model };
    let files = pollster::block_on(bundle.encode(Precision::Int8)).unwrap();
    (bundle, files)
}

#[test]
fn eight_bit_weights_are_half_as_large_and_off_by_half_a_step_at_most() {
    let device = Device::flex();
    let (bundle, int8) = in_8_bits(&device);
    let half = pollster::block_on(bundle.encode(Precision::Half)).unwrap();
    let [small, large] = [int8.weights().len(), half.weights().len()];
    assert!(small * 100 < large * 56, "{small} of {large}");

    let read = Bundle::load(&int8, &device).unwrap();
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
    let (manifest, int8) = in_8_bits(&Device::flex()).1.into_parts();
    // The header is JSON: replacing a name by one of the same length keeps every offset.
    let name = b"last.weight.scale";
    let place = int8.windows(name.len()).position(|bytes| bytes == name).unwrap();
    let mut renamed = int8;
    renamed[place..place + name.len()].copy_from_slice(b"last.weight.scalp");
    let error = refusal(&describing(&renamed, &manifest.to_json().unwrap()), &renamed);
    assert!(matches!(error, Error::WeightsShape { .. }), "{error}");
    assert!(error.to_string().contains("last.weight.scale"), "{error}");
}

/// A model evaluated on few posters has undefined metrics: a mean over the genres with five positives, if none has.
#[test]
fn undefined_metrics_are_written_and_read_back() {
    let (mut manifest, weights) = tiny().into_parts();
    let (name, higher_is_better) = ("mean average precision".into(), true);
    manifest.metrics = vec![Metric { name, value: f64::NAN, baseline: None, higher_is_better }];
    let (positives, average_precision) = (0, f64::NAN);
    manifest.genres[0].quality = Some(GenreQuality { positives, average_precision });
    let dir = tempfile::tempdir().unwrap();
    BundleFiles::new(manifest, weights).write(&dir).unwrap();

    let read = BundleFiles::read(&dir).unwrap();
    let manifest = read.manifest();
    assert!(manifest.metrics[0].value.is_nan());
    assert!(manifest.genres[0].quality.as_ref().unwrap().average_precision.is_nan());
    let written = std::fs::read_to_string(dir.path().join("model.json")).unwrap();
    assert_eq!(manifest.to_json().unwrap(), written);
}

/// As another JSON library, or another program, would write it.
#[test]
fn a_bundle_in_one_file_may_be_written_again_by_other_programs() {
    let file = tiny().to_single_file().unwrap();
    let (length, rest) = file.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let header = serde_json::to_vec_pretty(&header).unwrap();
    let rewritten = [&(header.len() as u64).to_le_bytes()[..], &header, data].concat();
    assert_ne!(rewritten, file);
    assert_eq!(BundleFiles::from_single_file(&rewritten).unwrap(), tiny());
}
