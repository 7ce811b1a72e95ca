//! Resizing to a model's input size, in integer arithmetic: the same bits on every machine.

use fast_image_resize as fir;
use image::RgbaImage;

use super::decode::{Decoded, Margins};
use super::{Pixels, Preprocess};
use crate::error::{Error, Result};

impl Preprocess {
    /// Resizes an image to the input size and drops its alpha channel.
    ///
    /// # Errors
    /// [`Error::DamagedImage`] if the resizer rejects the image.
    pub(super) fn resize(&self, Decoded { rgba, margins }: &Decoded) -> Result<Pixels> {
        let &Margins { left, top, right, bottom } = margins;
        let [width, height] = [rgba.width(), rgba.height()].map(f64::from);
        // Resize the width first, as Pillow does. On its own, the resizer starts with the height. Each pass rounds to 8
        // bits, so the order changes the result.
        let mut narrow = RgbaImage::new(self.width, rgba.height());
        let mut resized = RgbaImage::new(self.width, self.height);
        let columns = [left, 0.0, width - left - right, height];
        let rows = [0.0, top, f64::from(self.width), height - top - bottom];
        resize_into(rgba, columns, &mut narrow)
            .and_then(|()| resize_into(&narrow, rows, &mut resized))
            .map_err(|reason| Error::DamagedImage { format: "RGBA".into(), reason })?;
        let rgba = resized.as_raw().as_chunks::<4>().0;
        let mut rgb = vec![0; rgba.len() * 3];
        for (target, [red, green, blue, _]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba) {
            *target = [*red, *green, *blue];
        }
        Pixels::new(self.width, self.height, rgb)
    }
}

/// Resizes the part `[left, top, width, height]` of an image.
fn resize_into(
    image: &RgbaImage,
    [left, top, width, height]: [f64; 4],
    target: &mut RgbaImage,
) -> std::result::Result<(), String> {
    let options = fir::ResizeOptions::new()
        .crop(left, top, width, height)
        .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Bilinear))
        .use_alpha(false);
    let kind = fir::PixelType::U8x4;
    let (width, height) = image.dimensions();
    let source = fir::images::ImageRef::new(width, height, image.as_raw(), kind)
        .map_err(|error| error.to_string())?;
    let (width, height) = target.dimensions();
    let mut target = fir::images::Image::from_slice_u8(width, height, target.as_mut(), kind)
        .map_err(|error| error.to_string())?;
    fir::Resizer::new().resize(&source, &mut target, &options).map_err(|error| error.to_string())
}
