//! Encoded image bytes to the network's input. The ONE implementation: training, the command line and the
//! browser all come through here, so that a network sees in the browser what it saw in training.
//!
//! The way has two halves, since training keeps the result of the first in memory:
//! [`Preprocess::decode`] gives small 8-bit [`Pixels`], [`Preprocess::normalise`] gives floats.
//! Resizing is integer arithmetic and normalising one multiplication and addition a value, so both halves
//! give the same bits natively and in wasm.

use std::io::Cursor;

#[cfg(feature = "burn")]
use burn::tensor::{Device, Tensor, TensorData};
use fast_image_resize as fir;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbaImage, metadata::Orientation,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Largest picture that is decoded, in pixels.
const MAX_PIXELS: u64 = 50_000_000;

/// Most bytes that a picture may take as it is decoded, as 8-bit RGBA, and between the scans of a progressive JPEG,
/// together: 50 million pixels of 8 bits a channel, 33 of 16, 30 of a progressive JPEG. Under 512 MB are then left in
/// wasm, which never gives memory back, and where gaps are not always filled.
const MAX_BYTES: u64 = 400_000_000;

/// How a poster becomes the network's input. It travels with the weights, in the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Width of the network's input in pixels.
    pub width: u32,
    /// Height of the network's input in pixels.
    pub height: u32,
    /// Mean of each channel (red, green, blue), on the scale 0..=1, that is subtracted.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, on the scale 0..=1, that is divided by.
    pub std: [f32; 3],
}

/// A poster at the network's input size: red, green and blue, 8 bits each, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// `height * width * 3` values, interleaved.
    pub rgb: Vec<u8>,
}

impl Pixels {
    /// The poster as in a mirror, where its rows have `width` pixels.
    pub fn mirrored(&self, width: usize) -> Self {
        let rows = self.rgb.chunks(width * 3);
        Self { rgb: rows.flat_map(|row| row.chunks(3).rev().flatten().copied()).collect() }
    }
}

/// Where a crop lies.
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
    /// The part of a poster in a corner that takes `share` of each side, 0..=1, as a poster of its own.
    ///
    /// # Errors
    /// [`Error::DamagedImage`] where `poster` is not of the network's input size.
    pub fn crop(&self, poster: &Pixels, share: f64, corner: Corner) -> Result<Pixels> {
        let (pixels, _) = poster.rgb.as_chunks();
        let rgba = pixels.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
        let whole = RgbaImage::from_raw(self.width, self.height, rgba).ok_or_else(|| {
            let reason = format!("it is not {} x {} pixels", self.width, self.height);
            Error::DamagedImage { format: "decoded".into(), reason }
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

    /// Decodes a JPEG, PNG, WebP or GIF (its first frame), turns it as its EXIF orientation says, lays
    /// what is transparent over white, and resizes it to `width` x `height`.
    ///
    /// The proportions are not kept: posters differ little in theirs, and a network that sees the whole
    /// poster does better than one that sees a crop. The filter is a triangle over the source pixels that
    /// fall under a target pixel, so that shrinking does not alias.
    ///
    /// # Errors
    /// [`Error::EmptyImage`], [`Error::UnknownImageFormat`], [`Error::ImageTooLarge`] (decided from the
    /// header, before anything is allocated) or [`Error::DamagedImage`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Pixels> {
        let picture = decode_upright(bytes)?;
        self.resize(&picture)
    }

    /// Takes a picture that is decoded already: `width * height` pixels of red, green, blue and alpha, rows from
    /// the top. It goes the way of [`Preprocess::decode`] from there on.
    ///
    /// # Errors
    /// [`Error::ImageTooLarge`], or [`Error::DamagedImage`] where `rgba` is not that long or has no pixel.
    pub fn take(&self, rgba: Vec<u8>, width: u32, height: u32) -> Result<Pixels> {
        check_size(width.into(), height.into())?;
        let damaged = |reason: String| Error::DamagedImage { format: "decoded".into(), reason };
        if width == 0 || height == 0 {
            return Err(damaged("it has no pixels".into()));
        }
        let length = rgba.len();
        let mut picture = RgbaImage::from_raw(width, height, rgba)
            .filter(|_| length == width as usize * height as usize * 4)
            .ok_or_else(|| {
                damaged(format!("{length} bytes are not {width} x {height} pixels of 4 bytes"))
            })?;
        lay_over_white(&mut picture);
        self.resize(&picture)
    }

    fn resize(&self, picture: &RgbaImage) -> Result<Pixels> {
        let mut small = RgbaImage::new(self.width, self.height);
        let options = fir::ResizeOptions::new()
            .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Bilinear))
            .use_alpha(false);
        let (width, height) = picture.dimensions();
        fir::images::ImageRef::new(width, height, picture.as_raw(), fir::PixelType::U8x4)
            .map_err(|error| error.to_string())
            .and_then(|source| {
                let pixels = small.as_mut();
                let kind = fir::PixelType::U8x4;
                let target =
                    fir::images::Image::from_slice_u8(self.width, self.height, pixels, kind);
                let mut target = target.map_err(|error| error.to_string())?;
                let resized = fir::Resizer::new().resize(&source, &mut target, &options);
                resized.map_err(|error| error.to_string())
            })
            .map_err(|reason| Error::DamagedImage { format: "decoded".into(), reason })?;
        let rgb = small.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Ok(Pixels { rgb })
    }

    /// Posters as a network takes them: `[N, 3, height, width]`, normalised.
    #[cfg(feature = "burn")]
    pub fn batch(&self, posters: &[Pixels], device: &Device) -> Tensor<4> {
        let values = posters.iter().flat_map(|poster| self.normalise(poster)).collect();
        let shape = [posters.len(), 3, self.height as usize, self.width as usize];
        Tensor::from_data(TensorData::new::<f32, _>(values, shape), device)
    }

    /// `(value / 255 - mean) / std`, channel by channel: `[3, height, width]`, row-major.
    pub fn normalise(&self, pixels: &Pixels) -> Vec<f32> {
        let area = (self.width * self.height) as usize;
        let mut values = Vec::with_capacity(3 * area);
        for (channel, (mean, std)) in self.mean.iter().zip(self.std).enumerate() {
            let scale = 1.0 / (255.0 * std);
            let shift = -mean / std;
            let plane = pixels.rgb.iter().skip(channel).step_by(3);
            values.extend(plane.map(|&value| f32::from(value) * scale + shift));
        }
        values
    }
}

/// Decodes to opaque RGBA, turned upright.
fn decode_upright(bytes: &[u8]) -> Result<RgbaImage> {
    if bytes.is_empty() {
        return Err(Error::EmptyImage);
    }
    let format = image::guess_format(bytes).map_err(|_| Error::UnknownImageFormat)?;
    let name = match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        _ => return Err(Error::UnknownImageFormat),
    };
    let damaged = |error: image::ImageError| Error::DamagedImage {
        format: name.into(),
        reason: error.to_string(),
    };

    // The header alone first, where it can be read: a decoder may give up without a word on the size.
    if let Ok(size) = imagesize::blob_size(bytes) {
        check_size(size.width as u64, size.height as u64)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits(); // set below, once the size is known
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into())?;
    if decoder.total_bytes() == 0 {
        let reason = "it has no pixels".into();
        return Err(Error::DamagedImage { format: name.into(), reason });
    }
    let between_scans = if format == ImageFormat::Jpeg { kept_between_scans(bytes) } else { 0 };
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel()) + 4 + between_scans;
    check_pixels(width.into(), height.into(), MAX_BYTES / bytes_per_pixel)?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES);
    decoder.set_limits(limits).map_err(damaged)?;
    // A picture whose EXIF cannot be read is shown as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    let mut rgba = picture.into_rgba8();
    lay_over_white(&mut rgba);
    Ok(rgba)
}

/// Bytes a pixel that a decoder keeps from scan to scan of a progressive JPEG, at most: two for each component, which
/// its frame header (ITU-T T.81, B.2.2) counts. 0 in any other JPEG.
fn kept_between_scans(jpeg: &[u8]) -> u64 {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, behind @ ..] = rest {
        match (marker, behind) {
            // Filled up.
            (0xff, _) => rest = rest.get(1..).unwrap_or_default(),
            (0xc2 | 0xc6 | 0xca | 0xce, [_, _, _, _, _, _, _, components, ..]) => {
                return 2 * u64::from(*components);
            }
            // The frame of another kind, or already the first scan.
            (0xc0 | 0xc1 | 0xc3 | 0xda, _) => return 0,
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
                rest = behind.get(length..).unwrap_or_default();
            }
            _ => return 0,
        }
    }
    0
}

fn check_size(width: u64, height: u64) -> Result<()> {
    check_pixels(width, height, MAX_PIXELS)
}

fn check_pixels(width: u64, height: u64, most: u64) -> Result<()> {
    if width.saturating_mul(height) <= most {
        return Ok(());
    }
    let [width, height] = [width, height].map(|side| side.try_into().unwrap_or(u32::MAX));
    Err(Error::ImageTooLarge { width, height, limit: most / 1_000_000 })
}

/// Blends towards white by what is transparent, as a page shows a transparent picture.
fn lay_over_white(picture: &mut RgbaImage) {
    for pixel in picture.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        if alpha == 255 {
            continue;
        }
        for channel in 0..3 {
            let blended = (u32::from(pixel[channel]) * alpha + 255 * (255 - alpha) + 127) / 255;
            pixel[channel] = blended as u8;
        }
        pixel[3] = 255;
    }
}
