//! Crops a rectangle out of a poster, resizes it, and mirrors it if asked.

use anyhow::Result;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use marquee::{Pixels, Preprocess};

/// Resizes the rectangle `[left, top, width, height]`, in fractions of the poster, to the size of `input`, with the
/// antialiased bilinear filter of [`Preprocess::decode`].
///
/// # Errors
/// The rectangle is not inside the poster.
pub(super) fn crop(
    poster: &Pixels,
    input: &Preprocess,
    [left, top, width, height]: [f64; 4],
    flip: bool,
) -> Result<Pixels> {
    let size = [poster.width(), poster.height()].map(f64::from);
    // The rows that the crop needs. The resizer takes pixels of four bytes.
    let first = (top * size[1]).floor();
    let last = ((top + height) * size[1]).ceil().min(size[1]);
    let stride = poster.width() as usize * 3;
    let rows = &poster.rgb()[first as usize * stride..last as usize * stride];
    let rgba: Vec<u8> =
        rows.as_chunks().0.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
    let source = ImageRef::new(poster.width(), (last - first) as u32, &rgba, PixelType::U8x4)?;
    let mut target = Image::new(input.width, input.height, PixelType::U8x4);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false)
        .crop(left * size[0], top * size[1] - first, width * size[0], height * size[1]);
    Resizer::new().resize(&source, &mut target, &options)?;
    let (pixels, _) = target.buffer().as_chunks::<4>();
    Ok(Pixels::from_fn(input.width, input.height, |x, y| {
        let x = if flip { input.width - 1 - x } else { x };
        let [red, green, blue, _] = pixels[(y * input.width + x) as usize];
        [red, green, blue]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

    fn input(width: u32, height: u32) -> Preprocess {
        Preprocess { width, height, mean: [0.0; 3], std: [1.0; 3] }
    }

    /// A poster whose red values are ten times the column.
    fn ramp(width: u32, height: u32) -> Pixels {
        Pixels::from_fn(width, height, |x, _| [x as u8 * 10, 0, 255])
    }

    fn reds(poster: &Pixels) -> Vec<u8> {
        poster.rgb().iter().step_by(3).copied().collect()
    }

    #[test]
    fn a_crop_of_the_whole_poster_changes_nothing() -> Result<()> {
        let poster = ramp(8, 6);
        assert_eq!(crop(&poster, &input(8, 6), WHOLE, false)?, poster);
        Ok(())
    }

    #[test]
    fn flipping_reverses_the_columns() -> Result<()> {
        let mirrored = crop(&ramp(8, 6), &input(8, 6), WHOLE, true)?;
        assert_eq!(reds(&mirrored)[..8], [70, 60, 50, 40, 30, 20, 10, 0]);
        Ok(())
    }

    #[test]
    fn enlarges_a_quarter_to_the_whole_input() -> Result<()> {
        let right = crop(&ramp(8, 8), &input(8, 8), [0.5, 0.0, 0.5, 0.5], false)?;
        // Columns 4 to 7 in half steps, beginning a quarter of a pixel before column 4.
        assert_eq!(reds(&right)[..8], [38, 43, 48, 53, 58, 63, 68, 70]);
        Ok(())
    }

    #[test]
    fn shrinking_averages_all_pixels() -> Result<()> {
        // Single white columns, which sampling would either lose or show in full.
        let stripes = Pixels::from_fn(16, 4, |x, _| [if x % 4 == 0 { 240 } else { 0 }; 3]);
        let small = crop(&stripes, &input(4, 1), WHOLE, false)?;
        assert!(reds(&small).iter().all(|red| (40..=75).contains(red)), "{:?}", reds(&small));
        Ok(())
    }

    #[test]
    fn a_crop_at_the_lower_right_corner_stays_inside() -> Result<()> {
        let corner = [1.0 - 0.37, 1.0 - 0.53, 0.37, 0.53];
        let part = crop(&ramp(17, 23), &input(5, 7), corner, false)?;
        let right = reds(&part)[4];
        assert!((150..=160).contains(&right), "{right}");
        Ok(())
    }
}
