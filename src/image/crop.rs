//! Crops of a poster's corners, as further views for fine-tuning.

use image::{Rgba, RgbaImage};

use super::decode::{Decoded, Margins};
use super::{Pixels, Preprocess};
use crate::error::Result;

/// The corner of a poster in which a crop lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    BottomRight,
}

impl Preprocess {
    /// Returns the part of a poster in one corner, enlarged to the input size. The part takes `share` of each
    /// side, 0..=1; a larger share counts as 1.
    ///
    /// # Errors
    /// [`PosterSize`](crate::Error::PosterSize) if `poster` is not of the input size.
    pub fn crop(&self, poster: &Pixels, share: f64, corner: Corner) -> Result<Pixels> {
        poster.check_size(self.width, self.height)?;
        let (pixels, _) = poster.rgb().as_chunks();
        let mut whole = RgbaImage::new(self.width, self.height);
        for (target, &[red, green, blue]) in whole.pixels_mut().zip(pixels) {
            *target = Rgba([red, green, blue, 255]);
        }
        let [width, height] =
            [self.width, self.height].map(|side| ((f64::from(side) * share) as u32).clamp(1, side));
        let (right, bottom) = (self.width - width, self.height - height);
        let (x, y) = match corner {
            Corner::TopLeft => (0, 0),
            Corner::TopRight => (right, 0),
            Corner::BottomLeft => (0, bottom),
            Corner::BottomRight => (right, bottom),
        };
        let rgba = image::imageops::crop_imm(&whole, x, y, width, height).to_image();
        self.resize(&Decoded { rgba, margins: Margins::default() })
    }
}
