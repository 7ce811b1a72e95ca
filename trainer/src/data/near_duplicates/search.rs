//! The search for near-duplicates between two sets of posters, by their files and the hashes of their crops.

use rayon::prelude::*;

use super::crops::{Fingerprint, Hash};

/// Largest Hamming distance between a poster's hash and that of a crop of its near-duplicate, out of 256 bits. See
/// "Near-duplicates" in docs/training.md for how often it is right.
const MAX_DISTANCE: u32 = 44;

/// Largest distance between the hashes of two whole posters whose crops are worth comparing. Crops by up to 5 % of the
/// width and the height change fewer bits; of unlike posters, few are as near.
const MAX_WHOLE_DISTANCE: u32 = 104;

/// Returns, for each of `posters`, whether there is a near-duplicate of it among `others`.
pub(crate) fn near_duplicates(posters: &[&Fingerprint], others: &[&Fingerprint]) -> Vec<bool> {
    let is_near = |poster: &&Fingerprint| others.iter().any(|other| are_near(poster, other));
    posters.par_iter().map(is_near).collect()
}

/// Returns whether the files are identical, or one poster is nearly the other or a crop of it.
fn are_near(a: &Fingerprint, b: &Fingerprint) -> bool {
    let (Some(whole_a), Some(whole_b)) = (a.crops.first(), b.crops.first()) else {
        return a.file == b.file;
    };
    is_within(whole_a, whole_b, MAX_WHOLE_DISTANCE)
        && (a.crops.iter().any(|crop| is_within(crop, whole_b, MAX_DISTANCE))
            || b.crops.iter().any(|crop| is_within(crop, whole_a, MAX_DISTANCE)))
}

/// Returns whether two hashes are at most `distance` bits apart. Most are far apart within their first half.
fn is_within(a: &Hash, b: &Hash, distance: u32) -> bool {
    let differences = |word: usize| (a[word] ^ b[word]).count_ones();
    let half = differences(0) + differences(1);
    half <= distance && half + differences(2) + differences(3) <= distance
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::imageops::{self, FilterType};
    use image::{DynamicImage, ExtendedColorType, ImageFormat, RgbImage};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::io::Cursor;

    use super::*;
    use crate::data::near_duplicates::crops;

    /// A smooth poster of 300 x 444 pixels, unlike those with other numbers.
    fn poster(number: u64) -> DynamicImage {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let small = RgbImage::from_fn(10, 15, |_, _| image::Rgb(rng.random()));
        imageops::resize(&small, 300, 444, FilterType::CatmullRom).into()
    }

    fn fingerprint(bytes: &[u8]) -> Fingerprint {
        crops::fingerprint(bytes, [bytes.len() as u8; 32]).unwrap_or_else(|error| panic!("{error}"))
    }

    fn png(poster: &DynamicImage) -> Fingerprint {
        let mut bytes = Cursor::new(Vec::new());
        assert!(poster.to_rgb8().write_to(&mut bytes, ImageFormat::Png).is_ok());
        fingerprint(&bytes.into_inner())
    }

    fn jpeg(poster: &DynamicImage, quality: u8) -> Fingerprint {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        let rgb = poster.to_rgb8();
        let encoded = encoder.encode(&rgb, rgb.width(), rgb.height(), ExtendedColorType::Rgb8);
        assert!(encoded.is_ok());
        fingerprint(&bytes)
    }

    fn is_found(one: &Fingerprint, other: &Fingerprint) -> bool {
        let found = near_duplicates(&[one], &[other]);
        assert_eq!(found, near_duplicates(&[other], &[one]), "it must not matter which is which");
        found == [true]
    }

    #[test]
    fn crops_of_up_to_5_per_cent_are_found() {
        for number in 0..6 {
            let whole = poster(number);
            // Pixels cut off the left, right, top and bottom: up to 15 of 300 and up to 22 of 444.
            for [left, right, top, bottom] in [
                [0; 4],
                [15, 0, 0, 0],
                [0, 15, 22, 0],
                [7, 8, 11, 11],
                [3, 0, 0, 9],
                [2, 11, 17, 4],
            ] {
                let (width, height) = (300 - left - right, 444 - top - bottom);
                let crop = whole.crop_imm(left, top, width, height);
                // Printed again: smaller, and as a poor JPEG.
                let smaller = crop.resize_exact(width / 2, height / 2, FilterType::Triangle);
                let found = is_found(&png(&whole), &jpeg(&smaller, 40));
                assert!(found, "poster {number}, {left} {right} {top} {bottom}");
            }
        }
    }

    #[test]
    fn other_encodings_sizes_and_brightnesses_are_found() {
        let whole = poster(1);
        let original = png(&whole);
        assert!(is_found(&original, &jpeg(&whole, 40)));
        assert!(is_found(&original, &jpeg(&whole, 10)));
        for (width, height) in [(160, 240), (100, 140), (600, 900), (200, 200)] {
            let resized = whole.resize_exact(width, height, FilterType::Lanczos3);
            assert!(is_found(&original, &jpeg(&resized, 60)), "{width} x {height}");
        }
        assert!(is_found(&original, &png(&whole.brighten(20))));
        assert!(is_found(&original, &png(&whole.grayscale())));
    }

    #[test]
    fn unlike_posters_are_not_found() {
        let posters: Vec<Fingerprint> = (0..60).map(|number| png(&poster(number))).collect();
        let posters: Vec<&Fingerprint> = posters.iter().collect();
        let (some, others) = posters.split_at(20);
        assert_eq!(near_duplicates(some, others), [false; 20]);
        let mirrored = png(&poster(0).fliph());
        assert_eq!(near_duplicates(&[&mirrored], &posters), [false]);
    }

    #[test]
    fn without_hashes_only_identical_files_are_found() {
        let print = |file| Fingerprint { file: [file; 32], crops: Vec::new() };
        assert!(is_found(&print(1), &print(1)));
        assert!(!is_found(&print(1), &print(2)));
    }
}
