//! Golden values: what the native build computes for the fixtures. `tests/web.rs` compares the browser with them;
//! `cargo xtask golden` rewrites them.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use marquee::Model;
use marquee::architecture::Architecture;
use marquee::architecture::seed_cnn::SeedCnnConfig;
use marquee::bundle::{FORMAT_VERSION, Genre, Training, WeightFile};
use marquee::{Bundle, Classifier, Manifest, Precision, Preprocess};

use crate::fixture::{self, Golden};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn native_results_equal_the_golden_values() {
    let writing = std::env::var_os("MARQUEE_WRITE_GOLDEN").is_some();
    if writing {
        write_tiny_bundle();
    }
    let bundle = Bundle::read(fixtures().join("tiny"), &Device::flex()).unwrap();
    let input = bundle.manifest.input.clone();
    let classifier = Classifier::new(bundle);

    let png = input.decode(fixture::POSTER_PNG).unwrap();
    let jpeg = input.decode(fixture::POSTER_JPEG).unwrap();
    let probabilities =
        pollster::block_on(classifier.probabilities(&[png.clone(), jpeg.clone()])).unwrap();
    let computed = Golden {
        png_tensor_sha256: fixture::tensor_hash(&input.normalise(&png)),
        jpeg_rgb: jpeg.into_rgb(),
        png_probabilities: probabilities[0].clone(),
        jpeg_probabilities: probabilities[1].clone(),
        features: fixture::ODD_SIZES.map(features),
    };
    let path = fixtures().join("golden.json");
    if writing {
        std::fs::write(&path, serde_json::to_string(&computed).unwrap() + "\n").unwrap();
    }
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(computed.png_tensor_sha256, golden.png_tensor_sha256);
    assert!(
        fixture::largest_difference(&computed.png_probabilities, &golden.png_probabilities) < 1e-5
    );
    assert!(
        fixture::largest_difference(&computed.jpeg_probabilities, &golden.jpeg_probabilities)
            < 1e-5
    );
    for (computed, golden) in computed.features.iter().zip(&golden.features) {
        assert!(fixture::largest_difference(computed, golden) < 1e-4);
    }
}

fn features(size: [u32; 2]) -> Vec<f32> {
    let device = Device::flex();
    let model = fixture::model(size, &device);
    let features = fixture::excerpt(model.features(fixture::posters(size, &device)).into_data());
    // ReLU6 must not clip most values to 0 or 6, or errors in them would not show.
    let unclipped = features.iter().filter(|&&value| value > 0.1 && value < 5.9).count();
    assert!(4 * unclipped > features.len(), "{unclipped} of {}", features.len());
    features
}

/// Writes a model that is small enough to be committed, with random weights from a fixed seed.
fn write_tiny_bundle() {
    let device = Device::flex();
    device.seed(7);
    let config = SeedCnnConfig {
        channels: [4, 8, 8],
        hidden: 16,
        dropout: [0.3; 3],
        hidden_norm: false,
        hidden_dropout: 0.0,
        norm_momentum: 0.01,
    };
    let architecture = Architecture::SeedCnn(config);
    let model = Model::init(&architecture, [64, 96], 4, &device).unwrap();
    let genres = ["Comedy", "Drama", "Horror", "Sci-Fi"];
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        architecture,
        input: Preprocess { width: 64, height: 96, mean: [0.4, 0.4, 0.4], std: [0.25, 0.25, 0.25] },
        genres: genres
            .map(|name| Genre {
                name: name.into(),
                threshold: 0.5,
                posters: 0,
                additional_posters: 0,
                labelled_posters: None,
                quality: None,
            })
            .into(),
        temperature: 0.5,
        metrics: Vec::new(),
        additional_metrics: Vec::new(),
        training: Training {
            config: "none".into(),
            data: "none: random weights, for tests".into(),
            train_posters: 0,
            additional_posters: 0,
            valid_posters: 0,
            test_posters: 0,
            additional_test_posters: 0,
            epoch: 0,
            device: "none".into(),
            minutes: 0.0,
            settings: serde_json::Value::Null,
            licence: "MIT OR Apache-2.0".into(),
        },
        weights: WeightFile { file: String::new(), bytes: 0, sha256: String::new() },
    };
    let dir = fixtures().join("tiny");
    let files = pollster::block_on(Bundle { manifest, model }.encode(Precision::Half)).unwrap();
    let (mut manifest, weights) = files.into_parts();
    // A fixed name, so that `web.rs` can include the weights.
    manifest.weights.file = "weights.safetensors".into();
    std::fs::write(dir.join("weights.safetensors"), weights).unwrap();
    std::fs::write(dir.join("model.json"), manifest.to_json().unwrap()).unwrap();
}
