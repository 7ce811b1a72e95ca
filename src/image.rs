//! Encoded image bytes to a model's input. Training, the command line and the browser all use this one
//! implementation, so that a model sees in the browser what it saw in training.
//!
//! | step | function | result |
//! |---|---|---|
//! | decode, turn upright, blend with white, resize | [`Preprocess::decode`] | [`Pixels`], 8 bits a channel |
//! | normalise | [`Preprocess::normalise`] | `f32`, `[3, height, width]` |
//!
//! There are two steps because training keeps the small 8-bit pixels in memory. Resizing is integer arithmetic
//! and normalising is one multiplication and one addition per value, so the same decoded pixels give the same
//! tensor, bit for bit, natively and in wasm.

mod crop;
mod decode;
mod pixels;
mod resize;

#[cfg(feature = "burn")]
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::Result;

pub use crop::Corner;
pub use pixels::Pixels;

/// JPEGs are decoded at a fraction of their size if each side stays at least this many times as long as the input's. Closer
/// to the input's size, the lost frequencies would show.
const MIN_OVERSIZE: u32 = 2;

/// How a poster becomes a model's input. Part of the manifest, so that it travels with the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Width of the input in pixels.
    pub width: u32,
    /// Height of the input in pixels.
    pub height: u32,
    /// Mean of each channel (red, green, blue), on the scale 0..=1.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, on the scale 0..=1.
    pub std: [f32; 3],
}

impl Preprocess {
    /// Decodes a JPEG, PNG, WebP or GIF (its first frame) and resizes it to `width` x `height`.
    ///
    /// The image is turned as its EXIF orientation says, and transparent parts are blended with white. The aspect
    /// ratio is not kept: posters have similar ones, and a model that sees the whole poster does better than one
    /// that sees a crop. The filter is a triangle that widens with the scale, so that shrinking does not alias. A JPEG
    /// that is at least four times as large as the input is decoded at a half, a quarter or an eighth of its size: the
    /// smallest that is twice as large as the input.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let input = marquee::Preprocess { width: 160, height: 240, mean: [0.5; 3], std: [0.5; 3] };
    /// let pixels = input.decode(&std::fs::read("www/samples/lighthouse.jpg")?)?;
    /// assert_eq!([pixels.width(), pixels.height()], [160, 240]);
    /// let values = input.normalise(&pixels); // [3, 240, 160]
    /// assert_eq!(values.len(), 3 * 240 * 160);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EmptyImage`](crate::Error::EmptyImage), [`UnknownImageFormat`](crate::Error::UnknownImageFormat),
    /// [`ImageTooLarge`](crate::Error::ImageTooLarge) and [`SideTooLong`](crate::Error::SideTooLong) (decided by the
    /// header, before memory is allocated), or [`DamagedImage`](crate::Error::DamagedImage).
    pub fn decode(&self, bytes: &[u8]) -> Result<Pixels> {
        let smallest = [self.width, self.height].map(|side| side.saturating_mul(MIN_OVERSIZE));
        self.resize(&decode::decode(bytes, smallest)?)
    }

    /// Resizes an image that is already decoded: `width * height` pixels of red, green, blue and alpha, rows from
    /// the top, as a canvas's `ImageData` holds them. Blends and resizes like [`Preprocess::decode`].
    ///
    /// # Errors
    /// [`ImageTooLarge`](crate::Error::ImageTooLarge), [`SideTooLong`](crate::Error::SideTooLong), or
    /// [`DamagedImage`](crate::Error::DamagedImage) if a side is 0 or `rgba` is not `width * height * 4` bytes long.
    pub fn resize_rgba(&self, rgba: Vec<u8>, width: u32, height: u32) -> Result<Pixels> {
        self.resize(&decode::opaque(rgba, width, height)?)
    }

    /// Returns `(value / 255 - mean) / std` of each value, channel by channel: `[3, height, width]`, row-major, where
    /// the size is that of `pixels`.
    pub fn normalise(&self, pixels: &Pixels) -> Vec<f32> {
        let mut values = Vec::with_capacity(pixels.rgb().len());
        for (channel, (mean, std)) in self.mean.iter().zip(self.std).enumerate() {
            let scale = 1.0 / (255.0 * std);
            let shift = -mean / std;
            let plane = pixels.rgb().iter().skip(channel).step_by(3);
            values.extend(plane.map(|&value| f32::from(value) * scale + shift));
        }
        values
    }

    /// Returns a batch of normalised posters on `device`: `[N, 3, height, width]`.
    ///
    /// # Errors
    /// [`PosterSize`](crate::Error::PosterSize) if a poster does not have the input size.
    #[cfg(feature = "burn")]
    pub fn batch(&self, posters: &[Pixels], device: &Device) -> Result<Tensor<4>> {
        posters.iter().try_for_each(|poster| poster.check_size(self.width, self.height))?;
        let values = posters.iter().flat_map(|poster| self.normalise(poster)).collect();
        let shape = [posters.len(), 3, self.height as usize, self.width as usize];
        Ok(Tensor::from_data(TensorData::new::<f32, _>(values, shape), device))
    }
}
