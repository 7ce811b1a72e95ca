//! Bundles of released versions keep loading. The fixtures are named after the version that wrote them and are never
//! regenerated.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use marquee::{Bundle, Classifier, Prediction};

use crate::fixture;

/// Later versions decode and resize posters to other last bits.
const TOLERANCE: f32 = 0.005;

/// Probabilities of the PNG fixture by the bundle of version 0.1: Comedy, Drama, Horror, Sci-Fi.
const EXPECTED: [f32; 4] = [0.9194848, 0.50416446, 0.17512745, 0.3472795];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Loads a bundle on the CPU without Burn and with Burn, and checks the predictions of both.
fn check(path: &Path) {
    let without_burn = Classifier::open(path).unwrap();
    let with_burn = Bundle::read(path, &Device::flex()).unwrap();
    for classifier in [without_burn, Classifier::new(with_burn)] {
        let poster = classifier.manifest().input.decode(fixture::POSTER_PNG).unwrap();
        let probabilities = pollster::block_on(classifier.probabilities(&[poster])).unwrap();
        assert!(fixture::largest_difference(&probabilities[0], &EXPECTED) < TOLERANCE);
    }
}

#[test]
fn loads_a_bundle_folder_of_version_0_1() {
    check(&path("v0.1"));
}

#[test]
fn loads_a_single_file_bundle_of_version_0_1() {
    check(&path("v0.1/single-file.safetensors"));
}

/// A fine-tuned Lite0, as the page of version 0.1 saved it, with a new genre.
#[test]
fn loads_a_fine_tuned_model_of_version_0_1() {
    let classifier = Classifier::open(path("v0.1/fine-tuned.safetensors")).unwrap();
    let predictions = pollster::block_on(classifier.classify(fixture::POSTER_JPEG)).unwrap();
    let expected = [("Documentary", 0.42095), ("Drama", 0.38388), ("Thriller", 0.14764)];
    for (Prediction { genre, probability, .. }, (name, value)) in predictions.iter().zip(expected) {
        assert_eq!(genre, name);
        assert!((probability - value).abs() < TOLERANCE, "{genre}: {probability}");
    }
    assert!(predictions.iter().any(|prediction| prediction.genre == "Film noir"));
}
