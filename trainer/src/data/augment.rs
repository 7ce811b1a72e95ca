//! Augmentation: random changes of the training posters. A model that never sees the same pixels twice is less likely
//! to memorise them.

mod crop;

use anyhow::Result;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use marquee::{Pixels, Preprocess};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::data::pixel_store::StoredPixels;
use crate::documented::documented;
use crop::crop;

documented! {
    /// How strongly training posters are changed. By default they are not changed.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct Augmentation {
        /// Whether to mirror half of the posters.
        pub(crate) flip: bool,
        /// Smallest area of a random crop, as a fraction of the poster, 0..=1; 0 turns cropping off. The crop is
        /// resized to the input size (Szegedy et al. 2015, "Going Deeper with Convolutions", section 6).
        pub(crate) crop_area: f64,
        /// Largest relative change of brightness, contrast and saturation, 0..1.
        pub(crate) colour: f64,
        /// Fraction of the posters that are recompressed as JPEG, at a quality of 30 to 90.
        pub(crate) jpeg: f64,
        /// Fraction of the posters in which a rectangle of 2 to 20 % of the area is replaced by noise (Zhong et al.
        /// 2017, "Random Erasing Data Augmentation").
        pub(crate) erase: f64,
        /// Both parameters of the beta distribution from which mixup draws the blending weight of two posters and
        /// their labels; 0 turns mixup off (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization").
        pub(crate) mixup: f64,
    }
}

/// Largest factor by which the aspect ratio of a crop differs from the poster's, in either direction.
const MAX_ASPECT: f64 = 4.0 / 3.0;

impl Augmentation {
    /// Augments a poster of any size and returns one of size `input`. Mixup, which needs a whole batch, is applied by
    /// the loader.
    ///
    /// # Errors
    /// The poster cannot be resized.
    pub(crate) fn apply(
        &self,
        poster: &Pixels,
        input: &Preprocess,
        rng: &mut impl Rng,
    ) -> Result<Pixels> {
        let mut pixels = self.crop_and_flip(poster, input, rng)?;
        if self.colour > 0.0 {
            jitter_colours(pixels.rgb_mut(), self.colour, rng);
        }
        if self.jpeg > 0.0 && rng.random_bool(self.jpeg) {
            recompress(pixels.rgb_mut(), input, rng.random_range(30..=90));
        }
        if self.erase > 0.0 && rng.random_bool(self.erase) {
            erase_rectangle(pixels.rgb_mut(), input, rng);
        }
        Ok(pixels)
    }

    fn crop_and_flip(
        &self,
        poster: &Pixels,
        input: &Preprocess,
        rng: &mut impl Rng,
    ) -> Result<Pixels> {
        let flip = self.flip && rng.random_bool(0.5);
        let [mut width, mut height] = [1.0, 1.0];
        if self.crop_area > 0.0 {
            let area: f64 = rng.random_range(self.crop_area..=1.0);
            let aspect = random_aspect(rng);
            width = (area * aspect).sqrt().min(1.0);
            height = (area / aspect).sqrt().min(1.0);
        } else if !flip && [poster.width(), poster.height()] == [input.width, input.height] {
            return Ok(poster.clone());
        }
        let left = rng.random_range(0.0..=1.0 - width);
        let top = rng.random_range(0.0..=1.0 - height);
        crop(poster, input, [left, top, width, height], flip)
    }
}

/// Returns the model's input for a poster: `[3, height, width]`, row-major. Without an augmentation, the poster must
/// already have the size of `input`.
///
/// # Errors
/// The poster cannot be read, or cannot be resized.
pub(crate) fn normalised(
    augmentation: Option<&Augmentation>,
    poster: &StoredPixels,
    input: &Preprocess,
    rng: &mut impl Rng,
) -> Result<Vec<f32>> {
    let poster = poster.read()?;
    Ok(match augmentation {
        Some(augmentation) => input.normalise(&augmentation.apply(&poster, input, rng)?),
        None => input.normalise(&poster),
    })
}

/// Draws an aspect ratio, uniformly on a logarithmic scale.
fn random_aspect(rng: &mut impl Rng) -> f64 {
    rng.random_range(-MAX_ASPECT.ln()..=MAX_ASPECT.ln()).exp()
}

/// Scales brightness, contrast and saturation, each by a random factor within `1 - strength ..= 1 + strength`.
fn jitter_colours(rgb: &mut [u8], strength: f64, rng: &mut impl Rng) {
    let mut factor = || rng.random_range(1.0 - strength..=1.0 + strength) as f32;
    let (brightness, contrast, saturation) = (factor(), factor(), factor());
    for pixel in rgb.chunks_exact_mut(3) {
        let values = [pixel[0], pixel[1], pixel[2]].map(f32::from);
        // Luma of ITU-R BT.601.
        let grey = 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2];
        for (value, target) in values.into_iter().zip(pixel) {
            let value = grey + (value - grey) * saturation;
            let value = (value - 128.0) * contrast + 128.0;
            *target = (value * brightness) as u8; // the cast saturates at 0 and 255
        }
    }
}

/// Encodes as JPEG and decodes again.
fn recompress(rgb: &mut [u8], input: &Preprocess, quality: u8) {
    let mut bytes = Vec::new();
    let encoder = &mut JpegEncoder::new_with_quality(&mut bytes, quality);
    let encoded = encoder.encode(rgb, input.width, input.height, ExtendedColorType::Rgb8);
    let decode = || image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg);
    // Neither step can fail in memory. If one did, the poster would stay as it is.
    if let Ok(decoded) = encoded.and_then(|()| decode()) {
        rgb.copy_from_slice(&decoded.into_rgb8());
    }
}

/// Fills a random rectangle with noise.
fn erase_rectangle(rgb: &mut [u8], input: &Preprocess, rng: &mut impl Rng) {
    let [width, height] = [input.width as usize, input.height as usize];
    let area: f64 = rng.random_range(0.02..=0.2);
    let aspect = random_aspect(rng);
    let side = |size: usize, square: f64| ((size as f64 * square.sqrt()) as usize).clamp(1, size);
    let (erased_width, erased_height) = (side(width, area * aspect), side(height, area / aspect));
    let left = rng.random_range(0..=width - erased_width);
    let top = rng.random_range(0..=height - erased_height);
    for row in rgb.chunks_exact_mut(width * 3).skip(top).take(erased_height) {
        rng.fill(&mut row[left * 3..(left + erased_width) * 3]);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_same_seed_augments_a_poster_in_the_same_way() -> Result<()> {
        let input = Preprocess { width: 40, height: 60, mean: [0.0; 3], std: [1.0; 3] };
        let all = Augmentation {
            flip: true,
            crop_area: 0.5,
            colour: 0.3,
            jpeg: 1.0,
            erase: 1.0,
            ..Augmentation::default()
        };
        let poster = Pixels::from_fn(40, 60, |_, _| [128; 3]);
        let draw = |seed| all.apply(&poster, &input, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(1)?, draw(1)?);
        assert_ne!(draw(1)?, draw(2)?);
        assert_ne!(draw(1)?, poster);
        assert_eq!(draw(1)?.rgb().len(), poster.rgb().len());
        Ok(())
    }
}
