//! Resizing to a model's input size, in integer arithmetic: the same bits on every machine.

use fast_image_resize as fir;
use image::RgbaImage;

use super::{Pixels, Preprocess};
use crate::error::{Error, Result};

impl Preprocess {
    /// Resizes an opaque image to the input size and drops its alpha channel.
    ///
    /// # Errors
    /// [`Error::DamagedImage`] if the resizer rejects the image.
    pub(super) fn resize(&self, image: &RgbaImage) -> Result<Pixels> {
        // Resize the width first, as Pillow does. On its own, the resizer starts with the height. Each pass rounds to 8
        // bits, so the order changes the result.
        let mut narrow = RgbaImage::new(self.width, image.height());
        let mut resized = RgbaImage::new(self.width, self.height);
        resize_into(image, &mut narrow)
            .and_then(|()| resize_into(&narrow, &mut resized))
            .map_err(|reason| Error::DamagedImage { format: "RGBA".into(), reason })?;
        let rgba = resized.as_raw().as_chunks::<4>().0;
        let mut rgb = vec![0; rgba.len() * 3];
        for (target, [red, green, blue, _]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba) {
            *target = [*red, *green, *blue];
        }
        Pixels::new(self.width, self.height, rgb)
    }
}

fn resize_into(image: &RgbaImage, target: &mut RgbaImage) -> std::result::Result<(), String> {
    let options = fir::ResizeOptions::new()
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
