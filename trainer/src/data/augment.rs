//! Posters as they might also have been: mirrored, cut, tinted, saved badly, partly covered. What a network sees
//! differently each time it cannot learn by heart.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use marquee::{Pixels, Preprocess};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How strongly posters are changed while training. Everything is off unless it is asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Augment {
    /// Whether half of the posters are mirrored.
    pub(crate) flip: bool,
    /// Smallest share of a poster's area that is cut out and enlarged to the whole, 0..=1; 0 cuts nothing
    /// (Szegedy et al. 2015, "Going Deeper with Convolutions", section 6).
    pub(crate) crop_area: f64,
    /// Largest change of brightness, contrast and saturation, each as a share, 0..1.
    pub(crate) colour: f64,
    /// Share of the posters that are saved as a JPEG of quality 30 to 90 and read again.
    pub(crate) jpeg: f64,
    /// Share of the posters of which a rectangle is painted over with noise, 2 to 20 % of the area
    /// (Zhong et al. 2017, "Random Erasing Data Augmentation").
    pub(crate) erase: f64,
    /// Both parameters of the beta distribution by which two posters and their labels are blended; 0 blends
    /// nothing (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization").
    pub(crate) mixup: f64,
}

/// What training looks at: posters of one size, changed, as posters of another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crops<'a> {
    pub(crate) augment: &'a Augment,
    /// The size of the posters that are changed.
    pub(crate) from: &'a Preprocess,
}

/// Sides of a cut-out: at most this much longer or shorter, against each other, than the poster's.
const ASPECT: f64 = 4.0 / 3.0;

impl Augment {
    /// A poster of size `from`, changed, as one of size `input`.
    pub(crate) fn apply(
        &self,
        poster: &Pixels,
        from: &Preprocess,
        input: &Preprocess,
        rng: &mut impl Rng,
    ) -> Pixels {
        let mut pixels = self.cut_and_flip(poster, from, input, rng);
        if self.colour > 0.0 {
            tint(&mut pixels.rgb, self.colour, rng);
        }
        if self.jpeg > 0.0 && rng.random_bool(self.jpeg) {
            save_badly(&mut pixels.rgb, input, rng.random_range(30..=90));
        }
        if self.erase > 0.0 && rng.random_bool(self.erase) {
            cover(&mut pixels.rgb, input, rng);
        }
        pixels
    }

    fn cut_and_flip(
        &self,
        poster: &Pixels,
        from: &Preprocess,
        input: &Preprocess,
        rng: &mut impl Rng,
    ) -> Pixels {
        let flip = self.flip && rng.random_bool(0.5);
        let [mut wide, mut high] = [1.0, 1.0];
        if self.crop_area > 0.0 {
            let area: f64 = rng.random_range(self.crop_area..=1.0);
            let aspect: f64 = rng.random_range(-ASPECT.ln()..=ASPECT.ln()).exp();
            wide = (area * aspect).sqrt().min(1.0);
            high = (area / aspect).sqrt().min(1.0);
        } else if !flip && from == input {
            return poster.clone();
        }
        let left = rng.random_range(0.0..=1.0 - wide);
        let top = rng.random_range(0.0..=1.0 - high);
        let rectangle = [left, top, wide, high].map(|share| share as f32);
        cut(poster, from, input, rectangle, flip)
    }
}

impl Crops<'_> {
    /// The network's input for a poster: changed, where there are `crops`.
    pub(crate) fn normalised(
        crops: Option<Self>,
        poster: &Pixels,
        input: &Preprocess,
        rng: &mut impl Rng,
    ) -> Vec<f32> {
        match crops {
            Some(Self { augment, from }) => {
                input.normalise(&augment.apply(poster, from, input, rng))
            }
            None => input.normalise(poster),
        }
    }
}

/// Makes the rectangle `[left, top, width, height]`, in shares of a poster of size `from`, a poster of size
/// `input`; bilinear, since hardly anything is ever shrunk.
fn cut(
    poster: &Pixels,
    from: &Preprocess,
    input: &Preprocess,
    [left, top, wide, high]: [f32; 4],
    flip: bool,
) -> Pixels {
    // For each target pixel: the source pixel in front of its centre, the one behind, and how far between.
    let axis = |from: u32, to: u32, start: f32, share: f32| -> Vec<(usize, usize, f32)> {
        let (last, step) = (from as usize - 1, share * (from as f32 / to as f32));
        let at = |index: u32| {
            let centre = start * from as f32 + (index as f32 + 0.5) * step - 0.5;
            let centre = centre.clamp(0.0, last as f32);
            let before = centre as usize;
            (before, (before + 1).min(last), centre - before as f32)
        };
        (0..to).map(at).collect()
    };
    let width = from.width as usize;
    let mut columns = axis(from.width, input.width, left, wide);
    if flip {
        columns.reverse();
    }
    let rows = axis(from.height, input.height, top, high);
    let mut rgb = Vec::with_capacity(rows.len() * columns.len() * 3);
    for (above, below, down) in rows {
        let [above, below] = [above, below].map(|row| &poster.rgb[row * width * 3..]);
        for &(before, behind, right) in &columns {
            for channel in 0..3 {
                let [before, behind] = [before, behind].map(|column| column * 3 + channel);
                let mix = |row: &[u8]| {
                    let (a, b) = (f32::from(row[before]), f32::from(row[behind]));
                    a + (b - a) * right
                };
                let (a, b) = (mix(above), mix(below));
                rgb.push((a + (b - a) * down + 0.5) as u8);
            }
        }
    }
    Pixels { rgb }
}

/// Changes brightness, contrast and saturation, each by a factor within `1 - strength ..= 1 + strength`.
fn tint(rgb: &mut [u8], strength: f64, rng: &mut impl Rng) {
    let mut factor = || rng.random_range(1.0 - strength..=1.0 + strength) as f32;
    let (brightness, contrast, saturation) = (factor(), factor(), factor());
    for pixel in rgb.chunks_exact_mut(3) {
        let values = [pixel[0], pixel[1], pixel[2]].map(f32::from);
        // Rec. 601's luma.
        let grey = 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2];
        for (value, target) in values.into_iter().zip(pixel) {
            let value = grey + (value - grey) * saturation;
            let value = (value - 128.0) * contrast + 128.0;
            *target = (value * brightness) as u8; // saturates at both ends
        }
    }
}

fn save_badly(rgb: &mut [u8], input: &Preprocess, quality: u8) {
    let mut bytes = Vec::new();
    let encoder = &mut JpegEncoder::new_with_quality(&mut bytes, quality);
    let saved = encoder.encode(rgb, input.width, input.height, ExtendedColorType::Rgb8);
    let read = || image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg);
    // Neither can fail in memory; if one did, the poster would merely stay good.
    if let Ok(read) = saved.and_then(|()| read()) {
        rgb.copy_from_slice(&read.into_rgb8());
    }
}

fn cover(rgb: &mut [u8], input: &Preprocess, rng: &mut impl Rng) {
    let [width, height] = [input.width as usize, input.height as usize];
    let area: f64 = rng.random_range(0.02..=0.2);
    let aspect: f64 = rng.random_range(-ASPECT.ln()..=ASPECT.ln()).exp();
    let side = |size: usize, share: f64| ((size as f64 * share.sqrt()) as usize).clamp(1, size);
    let (wide, high) = (side(width, area * aspect), side(height, area / aspect));
    let left = rng.random_range(0..=width - wide);
    let top = rng.random_range(0..=height - high);
    for row in rgb.chunks_exact_mut(width * 3).skip(top).take(high) {
        rng.fill(&mut row[left * 3..(left + wide) * 3]);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn input(width: u32, height: u32) -> Preprocess {
        Preprocess { width, height, mean: [0.0; 3], std: [1.0; 3] }
    }

    fn ramp(input: &Preprocess) -> Pixels {
        let columns = (0..input.width).flat_map(|x| [x as u8 * 10, 0, 255]);
        let row: Vec<u8> = columns.collect();
        Pixels { rgb: row.repeat(input.height as usize) }
    }

    #[test]
    fn the_whole_poster_stays_as_it_is() {
        let input = input(8, 6);
        let poster = ramp(&input);
        assert_eq!(cut(&poster, &input, &input, [0.0, 0.0, 1.0, 1.0], false), poster);
    }

    #[test]
    fn a_mirrored_poster_is_the_same_backwards() {
        let input = input(8, 6);
        let mirrored = cut(&ramp(&input), &input, &input, [0.0, 0.0, 1.0, 1.0], true);
        let red: Vec<u8> = mirrored.rgb.iter().step_by(3).take(8).copied().collect();
        assert_eq!(red, [70, 60, 50, 40, 30, 20, 10, 0]);
    }

    #[test]
    fn a_quarter_is_enlarged_to_the_whole() {
        let input = input(8, 8);
        let right = cut(&ramp(&input), &input, &input, [0.5, 0.0, 0.5, 0.5], false);
        let red: Vec<u8> = right.rgb.iter().step_by(3).take(8).copied().collect();
        // Columns 4 to 7 at half steps, from a quarter pixel in front of the first.
        assert_eq!(red, [38, 43, 48, 53, 58, 63, 68, 70]);
    }

    #[test]
    fn a_larger_poster_is_shrunk_to_the_input() {
        let small =
            cut(&ramp(&input(8, 6)), &input(8, 6), &input(4, 3), [0.0, 0.0, 1.0, 1.0], false);
        let red: Vec<u8> = small.rgb.iter().step_by(3).copied().collect();
        assert_eq!(red, [5, 25, 45, 65].repeat(3));
    }

    #[test]
    fn everything_at_once_changes_a_poster_in_the_same_way_for_the_same_seed() {
        let input = input(40, 60);
        let all = Augment {
            flip: true,
            crop_area: 0.5,
            colour: 0.3,
            jpeg: 1.0,
            erase: 1.0,
            ..Augment::default()
        };
        let poster = Pixels { rgb: vec![128; 40 * 60 * 3] };
        let draw = |seed| all.apply(&poster, &input, &input, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1), poster);
        assert_eq!(draw(1).rgb.len(), poster.rgb.len());
    }
}
