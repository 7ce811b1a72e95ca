//! Mixup, seen from outside: what a batch of the loader contains.

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use marquee::metrics::LabelRow;
use marquee::{Pixels, Preprocess};

use super::{Loader, Mixture, TARGET_WEIGHTS, Targets, total_weights};
use crate::data::augment::Augmentation;
use crate::data::posters::Poster;

/// Posters of one batch. Each has a brightness and a genre of its own.
const POSTERS: usize = 4;

const INPUT: Preprocess = Preprocess { width: 2, height: 3, mean: [0.0; 3], std: [1.0; 3] };

fn brightness(poster: usize) -> u8 {
    [10, 60, 130, 250][poster]
}

/// Returns the pixels of each poster of a batch, and the weight of each genre in its targets.
fn batch(mixup: f64, seed: u64) -> Vec<(Vec<f32>, Vec<f32>)> {
    let posters = (0..POSTERS).map(|index| Poster {
        row: LabelRow {
            id: index.to_string(),
            labels: (0..POSTERS).map(|genre| Some(genre == index)).collect(),
        },
        pixels: Pixels::from_fn(2, 3, |_, _| [brightness(index); 3]).into(),
        hash: [index as u8; 32],
    });
    let augmentation = Augmentation { mixup, ..Augmentation::default() };
    let targets = Targets { label_weight: 1.0, ..Targets::for_evaluation(&[]) };
    let loader = Loader::in_order(posters.collect(), &INPUT, POSTERS, &Device::flex()).shuffled(
        seed,
        1,
        &augmentation,
        targets,
        Mixture::of_main(POSTERS),
        0.0,
    );
    let batch = loader.iter().next().and_then(Result::ok).unwrap_or_else(|| panic!("no batch"));
    assert_eq!(batch.targets.dims(), [POSTERS, TARGET_WEIGHTS, POSTERS]);
    let [present, _] = total_weights(batch.targets);
    let rows = |values: Vec<f32>| -> Vec<Vec<f32>> {
        values.chunks(values.len() / POSTERS).map(<[f32]>::to_vec).collect()
    };
    let inputs = batch.inputs.try_into_vec_as::<f32>().unwrap_or_default();
    let present = present.try_into_vec_as::<f32>().unwrap_or_default();
    rows(inputs).into_iter().zip(rows(present)).collect()
}

#[test]
fn mixup_blends_pairs_of_posters_and_their_targets_with_the_same_weight() {
    let mut blended = 0;
    for seed in 0..8 {
        let batch = batch(1.0, seed);
        let sums = (0..POSTERS).map(|genre| batch.iter().map(|(_, present)| present[genre]).sum());
        let sums: Vec<f32> = sums.collect();
        assert!(
            sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5),
            "each poster counts once: {sums:?}"
        );
        for (pixels, present) in &batch {
            // The pixels are the blend of the posters whose genres the targets name.
            let blend = present
                .iter()
                .enumerate()
                .map(|(poster, weight)| weight * f32::from(brightness(poster)) / 255.0);
            let blend: f32 = blend.sum();
            assert!(
                pixels.iter().all(|pixel| (pixel - blend).abs() < 1e-5),
                "{pixels:?} {present:?}"
            );
            assert!((present.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{present:?}");
            let partners = present.iter().filter(|&&weight| weight > 1e-6).count();
            assert!(partners <= 2, "{present:?}");
            blended += usize::from(present.iter().any(|weight| (0.1..0.9).contains(weight)));
        }
    }
    // The weight is uniform on 0..1, so that about 26 of the 32 posters are visibly blended.
    assert!((16..32).contains(&blended), "{blended}");
}

#[test]
fn without_mixup_each_poster_stays_itself() {
    for (pixels, present) in batch(0.0, 1) {
        let poster = present.iter().position(|&weight| weight == 1.0).unwrap_or_default();
        assert_eq!(present.iter().sum::<f32>(), 1.0);
        let expected = f32::from(brightness(poster)) / 255.0;
        assert!(pixels.iter().all(|pixel| (pixel - expected).abs() < 1e-6), "{pixels:?}");
    }
}
