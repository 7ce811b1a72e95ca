//! The fuzz targets. Each parses untrusted bytes, which it must accept or refuse without a panic.
//!
//! `tests/native/fuzz.rs` runs them on the committed corpus in every test run.
#![allow(dead_code)] // each fuzzer uses one of them

use burn::tensor::Device;
use marquee::{Bundle, BundleFiles, Classifier, Error, Labels, Manifest, Preprocess, weights};

/// Largest input, in pixels, on which a loaded model is run. Larger ones would only be slow.
const LARGEST_INPUT: u32 = 64 * 96;

/// Decodes the bytes of an image file.
pub(crate) fn image(bytes: &[u8]) {
    let input = Preprocess { width: 32, height: 48, mean: [0.5; 3], std: [0.25; 3] };
    match input.decode(bytes) {
        Ok(pixels) => {
            assert_eq!([pixels.width(), pixels.height()], [32, 48]);
            assert_eq!(pixels.rgb().len(), 32 * 48 * 3);
            assert!(input.normalise(&pixels).iter().all(|value| value.abs() <= 2.0));
        }
        Err(
            Error::EmptyImage
            | Error::UnknownImageFormat
            | Error::ImageTooLarge { .. }
            | Error::SideTooLong { .. }
            | Error::DamagedImage { .. },
        ) => {}
        Err(other) => panic!("{other:?}"),
    }
}

/// Loads a bundle from a manifest, a zero byte and weights.
pub(crate) fn bundle(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (Some(manifest), Some(weights)) = (parts.next(), parts.next()) else { return };
    let Ok(manifest) = std::str::from_utf8(manifest) else { return };
    load(manifest, weights);
}

/// Loads a bundle in one file.
pub(crate) fn single_file(bytes: &[u8]) {
    if let Ok((manifest, weights)) = weights::split_manifest(bytes) {
        load(&manifest, &weights);
    }
}

/// Reads a table of labels.
pub(crate) fn labels(bytes: &[u8]) {
    if let Ok(Labels { genres, rows }) = Labels::read(bytes, None) {
        for row in rows {
            assert_eq!(row.labels.len(), genres.len());
            assert!(!row.id.contains(['/', '\\']) && !row.id.starts_with('.'));
        }
    }
}

/// Loads a bundle on the CPU without Burn and with Burn. Both must accept it or both refuse it; if they accept it,
/// both must return predictions.
fn load(manifest: &str, weights: &[u8]) {
    let Ok(manifest) = Manifest::from_json(manifest) else { return };
    // Joined without checking the hash, which a fuzzer cannot guess.
    let files = BundleFiles::new(manifest.clone(), weights.to_vec());
    let Preprocess { width, height, .. } = manifest.input;
    let genres = manifest.genres.len();
    let with_burn = Bundle::load(&files, &Device::flex());
    let without_burn = Classifier::load(files);
    assert_eq!(
        without_burn.is_ok(),
        with_burn.is_ok(),
        "{:?} and {:?}",
        without_burn.err(),
        with_burn.err()
    );
    let (Ok(without_burn), Ok(with_burn)) = (without_burn, with_burn) else { return };
    if width * height > LARGEST_INPUT {
        return;
    }
    let grey = vec![128; (width * height * 4) as usize];
    for classifier in [without_burn, Classifier::new(with_burn)] {
        let pixels = classifier.manifest().input.resize_rgba(grey.clone(), width, height);
        let Ok(pixels) = pixels else { panic!("{pixels:?}") };
        let probabilities = pollster::block_on(classifier.probabilities(&[pixels]));
        match probabilities {
            Ok(rows) => assert!(rows.iter().all(|row| row.len() == genres)),
            // Finite weights may still overflow.
            Err(Error::Compute { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}
