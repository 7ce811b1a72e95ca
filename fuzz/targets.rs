//! What is fuzzed: each reads bytes as a stranger may send them, and must answer or refuse. `tests/fuzz.rs` runs the
//! kept corpus through the same functions on every test.
#![allow(dead_code)] // each fuzzer uses one of them

use burn::tensor::Device;
use marquee::bundle::WeightFile;
use marquee::{Classifier, Error, Labels, Manifest, Preprocess, weights};
use sha2::{Digest, Sha256};

/// Largest input, in values, that an opened network is tried on: larger ones are only slow.
const LARGEST_INPUT: u32 = 64 * 96;

/// The bytes of a picture, to pixels.
pub(crate) fn picture(bytes: &[u8]) {
    let input = Preprocess { width: 32, height: 48, mean: [0.5; 3], std: [0.25; 3] };
    match input.decode(bytes) {
        Ok(pixels) => {
            assert_eq!(pixels.rgb.len(), 32 * 48 * 3);
            assert!(input.normalise(&pixels).iter().all(|value| value.abs() <= 2.0));
        }
        Err(
            Error::EmptyImage
            | Error::UnknownImageFormat
            | Error::ImageTooLarge { .. }
            | Error::DamagedImage { .. },
        ) => {}
        Err(other) => panic!("{other:?}"),
    }
}

/// A manifest, a zero byte, and weights.
pub(crate) fn bundle(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (Some(manifest), Some(weights)) = (parts.next(), parts.next()) else { return };
    let Ok(manifest) = std::str::from_utf8(manifest) else { return };
    open(manifest, weights);
}

/// A taught network in one file.
pub(crate) fn taught(bytes: &[u8]) {
    if let Ok((manifest, weights)) = weights::split_manifest(bytes) {
        open(&manifest, &weights);
    }
}

/// A table of true genres.
pub(crate) fn labels(bytes: &[u8]) {
    if let Ok(Labels { genres, rows }) = Labels::read(bytes, None) {
        for row in rows {
            assert_eq!(row.labels.len(), genres.len());
            assert!(!row.id.contains(['/', '\\']) && !row.id.starts_with('.'));
        }
    }
}

/// Opens a network by itself and with Burn; where one does, the other must, and both answer.
fn open(manifest: &str, weights: &[u8]) {
    let Ok(mut manifest) = Manifest::from_json(manifest) else { return };
    // No fuzzer guesses a hash.
    let sha256 = Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect();
    manifest.weights = WeightFile { bytes: weights.len() as u64, sha256, ..manifest.weights };
    let Preprocess { width, height, .. } = manifest.input;
    let genres = manifest.genres.len();
    let json = serde_json::to_string(&manifest).unwrap_or_default();
    let device = Device::flex();
    let with_burn = marquee::Bundle::from_parts(&json, weights, &device);
    let alone = Classifier::on_cpu(manifest, weights);
    assert_eq!(alone.is_ok(), with_burn.is_ok(), "{:?} and {:?}", alone.err(), with_burn.err());
    let (Ok(alone), Ok(with_burn)) = (alone, with_burn) else { return };
    if width * height > LARGEST_INPUT {
        return;
    }
    let grey = vec![128; (width * height * 4) as usize];
    for classifier in [alone, Classifier::new(with_burn, device)] {
        let pixels = classifier.manifest().input.resize_rgba(grey.clone(), width, height);
        let Ok(pixels) = pixels else { panic!("{pixels:?}") };
        let probabilities = pollster::block_on(classifier.probabilities(&[pixels]));
        match probabilities {
            Ok(rows) => assert!(rows.iter().all(|row| row.len() == genres)),
            // Numbers that are finite in a file need not stay so.
            Err(Error::Compute { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}
