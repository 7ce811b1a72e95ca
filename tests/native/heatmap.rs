//! Heatmaps of the shipped model: they add up to its predictions, and they change where the poster changes.

use std::io::Cursor;
use std::path::Path;

use burn::tensor::Device;
use image::{ImageFormat, Rgb, RgbImage};
use marquee::classify::Heatmaps;
use marquee::{Bundle, Classifier, Error, Preprocess};

fn classifier(bundle: &str) -> Classifier {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundle);
    let bundle = Bundle::read(&dir, &Device::flex()).unwrap();
    Classifier::new(bundle)
}

fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/samples/lighthouse.jpg");
    std::fs::read(path).unwrap()
}

#[test]
fn heatmaps_and_biases_add_up_to_the_probabilities() {
    let classifier = classifier("www/model");
    let explained = pollster::block_on(classifier.explain(&sample())).unwrap();
    let classified = pollster::block_on(classifier.classify(&sample())).unwrap();
    for (explained, classified) in explained.predictions.iter().zip(&classified) {
        assert_eq!(explained.genre, classified.genre);
        assert!((explained.probability - classified.probability).abs() < 1e-4);
    }
    let Heatmaps { x, y, genres } = explained.heatmaps;
    assert_eq!(genres.len(), classified.len());
    for map in genres {
        assert_eq!(map.values.len(), x.count * y.count);
        let log_odds = map.bias + map.values.iter().sum::<f32>();
        let prediction = classified.iter().find(|other| other.genre == map.genre).unwrap();
        assert!((1.0 / (1.0 + (-log_odds).exp()) - prediction.probability).abs() < 1e-4);
    }
}

/// Returns a grey poster with a coloured patch around a point, given as fractions of the sides.
fn poster(patch: Option<(f64, f64)>) -> Vec<u8> {
    let image = RgbImage::from_fn(160, 240, |x, y| {
        let inside = patch.is_some_and(|(px, py)| {
            (f64::from(x) - px * 160.0).abs() < 16.0 && (f64::from(y) - py * 240.0).abs() < 16.0
        });
        match (inside, (x / 4 + y / 4) % 2) {
            (false, _) => Rgb([128; 3]),
            (true, 0) => Rgb([230, 30, 20]),
            (true, _) => Rgb([250, 240, 60]),
        }
    });
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

#[test]
fn a_change_in_the_poster_changes_the_heatmaps_at_the_same_place() {
    let classifier = classifier("www/model");
    let maps = |patch| pollster::block_on(classifier.explain(&poster(patch))).unwrap().heatmaps;
    let plain = maps(None);
    let (columns, places) = (plain.x.count, plain.x.count * plain.y.count);
    for patch in [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8), (0.5, 0.5)] {
        let patched = maps(Some(patch));
        let change = |place: usize| -> f32 {
            let genres = patched.genres.iter().zip(&plain.genres);
            genres.map(|(a, b)| (a.values[place] - b.values[place]).abs()).sum()
        };
        // The centre of the change. The power makes the largest changes dominate.
        let weight = |place: usize| f64::from(change(place)).powi(4);
        let total: f64 = (0..places).map(weight).sum();
        let mean = |at: &dyn Fn(usize) -> f64| {
            (0..places).map(|place| weight(place) * at(place)).sum::<f64>() / total
        };
        let x = mean(&|place| plain.x.first + (place % columns) as f64 * plain.x.step);
        let y = mean(&|place| plain.y.first + (place / columns) as f64 * plain.y.step);
        // A place's receptive field covers most of the poster, so changes spread. They must stay in the patch's
        // quarter of the poster, or in the middle.
        let stays = |found: f64, share: f64| match share {
            0.5 => (found - 0.5).abs() < 0.15,
            _ => (found < 0.5) == (share < 0.5),
        };
        let stays = stays(x, patch.0) && stays(y, patch.1);
        assert!(stays, "patch at {patch:?}, change at ({x:.2}, {y:.2})");
    }
}

#[test]
fn a_model_without_a_linear_head_has_no_heatmaps() {
    let classifier = classifier("tests/fixtures/tiny");
    let error = pollster::block_on(classifier.explain(&sample())).unwrap_err();
    assert!(matches!(error, Error::NoHeatmaps { architecture: "seed-cnn" }), "{error}");
}

#[test]
fn a_batch_gives_the_same_predictions_as_single_posters_and_one_error_per_bad_file() {
    let classifier = classifier("www/model");
    let files = vec![sample(), b"Dear diary".to_vec(), poster(Some((0.3, 0.6))), Vec::new()];
    let results = pollster::block_on(classifier.classify_all(&files)).unwrap();
    assert_eq!(results.len(), 4);
    for index in [0, 2] {
        let alone = pollster::block_on(classifier.classify(&files[index])).unwrap();
        for (together, alone) in results[index].as_ref().unwrap().iter().zip(&alone) {
            assert_eq!(together.genre, alone.genre);
            assert!((together.probability - alone.probability).abs() < 1e-5);
        }
    }
    assert!(matches!(results[1], Err(Error::UnknownImageFormat)));
    assert!(matches!(results[3], Err(Error::EmptyImage)));
}

/// A GPU's buffers limit how many posters a batch may have; any number of files is classified nevertheless.
#[test]
fn small_buffers_make_small_batches_with_the_same_predictions() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
    let load = || Classifier::new(Bundle::read(&dir, &Device::flex()).unwrap());
    let manifest = load().manifest().clone();
    let size = [manifest.input.width, manifest.input.height];
    let one_poster = 4 * manifest.architecture.largest_map(size) as u64;

    let files = vec![sample(), poster(None), poster(Some((0.3, 0.6))), sample()];
    let at_once = pollster::block_on(load().classify_all(&files)).unwrap();
    let one_by_one = load().with_largest_buffer(one_poster).unwrap();
    let one_by_one = pollster::block_on(one_by_one.classify_all(&files)).unwrap();
    for (at_once, alone) in at_once.iter().zip(&one_by_one) {
        for (at_once, alone) in at_once.as_ref().unwrap().iter().zip(alone.as_ref().unwrap()) {
            assert_eq!(at_once.genre, alone.genre);
            assert!((at_once.probability - alone.probability).abs() < 1e-5);
        }
    }
    let error = load().with_largest_buffer(one_poster - 1).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error}");
}

#[test]
fn the_largest_map_is_that_of_the_first_wide_block() {
    let manifest = classifier("www/model").manifest().clone();
    let Preprocess { width, height, .. } = manifest.input;
    // Half the poster's sides after the stem, with six times 16 channels.
    let expected = (width.div_ceil(2) * height.div_ceil(2)) as usize * 96;
    assert_eq!(manifest.architecture.largest_map([width, height]), expected);
}
