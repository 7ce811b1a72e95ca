//! Crops of a poster's corners, as further views for fine-tuning.

use image::RgbaImage;

use super::{Pixels, Preprocess};
use crate::error::{Error, Result};

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
    /// side, 0..=1.
    ///
    /// # Errors
    /// [`Error::DamagedImage`] if `poster` is not of the input size.
    pub fn crop(&self, poster: &Pixels, share: f64, corner: Corner) -> Result<Pixels> {
        let (pixels, _) = poster.rgb.as_chunks();
        let rgba = pixels.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
        let whole = RgbaImage::from_raw(self.width, self.height, rgba).ok_or_else(|| {
            let reason = format!("it is not {} x {} pixels", self.width, self.height);
            Error::DamagedImage { format: "RGBA".into(), reason }
        })?;
        let [width, height] =
            [self.width, self.height].map(|side| ((f64::from(side) * share) as u32).max(1));
        let (right, bottom) = (self.width - width, self.height - height);
        let (x, y) = match corner {
            Corner::TopLeft => (0, 0),
            Corner::TopRight => (right, 0),
            Corner::BottomLeft => (0, bottom),
            Corner::BottomRight => (right, bottom),
        };
        self.resize(&image::imageops::crop_imm(&whole, x, y, width, height).to_image())
    }
}
