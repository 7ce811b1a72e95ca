//! Decoding of untrusted image files, within limits of size and memory.

mod scaled_jpeg;

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbaImage, metadata::Orientation,
};

use crate::error::{Error, Result};

/// Largest image that is decoded, in pixels.
const MAX_PIXELS: u64 = 50_000_000;

/// Most bytes that decoding may allocate: the decoded image, its 8-bit RGBA copy, and what a progressive JPEG
/// keeps between its scans.
///
/// This allows 50 million pixels at 8 bits a channel, 33 at 16 bits, and 30 in a progressive JPEG. A page's wasm
/// memory then stays below 512 MB; it never shrinks, and allocations cannot always reuse its gaps.
const MAX_BYTES: u64 = 400_000_000;

/// Longest side of an image that is decoded, in pixels. Of a narrow and tall image, resizing first makes a wide and tall
/// one, and it needs memory for every row and column that it reads.
const MAX_SIDE: u32 = 100_000;

/// A decoded image.
pub(super) struct Decoded {
    /// Opaque and upright.
    pub(super) rgba: RgbaImage,
    /// The parts of the outermost pixels that lie outside the image.
    pub(super) margins: Margins,
}

/// How much of the outermost pixels on each side lies outside the image, in pixels, 0..1. In a JPEG that is decoded at a
/// fraction of its size, the image may cover only a part of the last row and column.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Margins {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Margins {
    /// Returns the margins after the image was turned.
    fn turned(self, orientation: Orientation) -> Self {
        let Self { left, top, right, bottom } = self;
        let quarter = Self { left: bottom, top: left, right: top, bottom: right };
        let half = Self { left: right, top: bottom, right: left, bottom: top };
        let three_quarters = Self { left: top, top: right, right: bottom, bottom: left };
        match orientation {
            Orientation::NoTransforms => self,
            Orientation::FlipHorizontal => Self { left: right, right: left, ..self },
            Orientation::FlipVertical => Self { top: bottom, bottom: top, ..self },
            Orientation::Rotate90 => quarter,
            Orientation::Rotate180 => half,
            Orientation::Rotate270 => three_quarters,
            Orientation::Rotate90FlipH => quarter.turned(Orientation::FlipHorizontal),
            Orientation::Rotate270FlipH => three_quarters.turned(Orientation::FlipHorizontal),
        }
    }
}

/// Decodes an image file. A JPEG that is large enough is decoded at a half, a quarter or an eighth of its size, and still
/// is at least `smallest`, `[width, height]`.
///
/// # Errors
/// Those of [`Preprocess::decode`](crate::Preprocess::decode).
pub(super) fn decode(bytes: &[u8], smallest: [u32; 2]) -> Result<Decoded> {
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

    // Check the size in the header first: a decoder may fail on a huge image without reporting its size.
    if let Ok(size) = imagesize::blob_size(bytes) {
        check_size(size.width as u64, size.height as u64, MAX_PIXELS)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits(); // limits are set below, once the size is known
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into(), MAX_PIXELS)?;
    if decoder.total_bytes() == 0 {
        let reason = "it has no pixels".into();
        return Err(Error::DamagedImage { format: name.into(), reason });
    }
    let coefficients = if format == ImageFormat::Jpeg { coefficient_bytes(bytes) } else { 0 };
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel()) + 4 + coefficients;
    check_size(width.into(), height.into(), MAX_BYTES / bytes_per_pixel)?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES);
    decoder.set_limits(limits).map_err(damaged)?;
    // Unreadable EXIF data does not make an image unreadable.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let smaller = match format {
        ImageFormat::Jpeg => scaled_jpeg::decode(bytes, [width, height], smallest, orientation),
        _ => None,
    };
    let (mut image, margins) = match smaller {
        Some(decoded) => decoded,
        None => (DynamicImage::from_decoder(decoder).map_err(damaged)?, Margins::default()),
    };
    image.apply_orientation(orientation);
    let mut rgba = image.into_rgba8();
    blend_with_white(&mut rgba);
    Ok(Decoded { rgba, margins: margins.turned(orientation) })
}

/// Wraps decoded RGBA pixels as an image and makes it opaque.
///
/// # Errors
/// Those of [`Preprocess::resize_rgba`](crate::Preprocess::resize_rgba).
pub(super) fn opaque(rgba: Vec<u8>, width: u32, height: u32) -> Result<Decoded> {
    check_size(width.into(), height.into(), MAX_PIXELS)?;
    let damaged = |reason: String| Error::DamagedImage { format: "RGBA".into(), reason };
    if width == 0 || height == 0 {
        return Err(damaged("it has no pixels".into()));
    }
    let length = rgba.len();
    let mut image = RgbaImage::from_raw(width, height, rgba)
        .filter(|_| length == width as usize * height as usize * 4)
        .ok_or_else(|| {
            damaged(format!("{width} x {height} pixels take 4 bytes each, but there are {length}"))
        })?;
    blend_with_white(&mut image);
    Ok(Decoded { rgba: image, margins: Margins::default() })
}

/// Returns the most bytes per pixel that a decoder keeps between the scans of a progressive JPEG: two for each
/// component counted by the frame header (ITU-T T.81, B.2.2). Returns 0 for other JPEGs.
fn coefficient_bytes(jpeg: &[u8]) -> u64 {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    // Decoders skip stray bytes before a marker.
    while let Some(start) = rest.iter().position(|byte| *byte == 0xff) {
        rest = rest.get(start..).unwrap_or_default();
        let [_, marker, segment @ ..] = rest else { return 0 };
        match (marker, segment) {
            // A fill byte.
            (0xff, _) => rest = rest.get(1..).unwrap_or_default(),
            // The frame header of a progressive JPEG.
            (0xc2 | 0xc6 | 0xca | 0xce, [_, _, _, _, _, _, _, components, ..]) => {
                return 2 * u64::from(*components);
            }
            // A frame header of another kind, or the first scan.
            (0xc0 | 0xc1 | 0xc3 | 0xda, _) => return 0,
            // Skip any other segment.
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
                rest = segment.get(length..).unwrap_or_default();
            }
            _ => return 0,
        }
    }
    0
}

/// Refuses images of more than `most` pixels, or with a side of more than [`MAX_SIDE`].
fn check_size(width: u64, height: u64, most: u64) -> Result<()> {
    let is_too_large = width.saturating_mul(height) > most;
    let [width, height] = [width, height].map(|side| side.try_into().unwrap_or(u32::MAX));
    if is_too_large {
        return Err(Error::ImageTooLarge { width, height, limit: most / 1_000_000 });
    }
    if width.max(height) > MAX_SIDE {
        return Err(Error::SideTooLong { width, height, limit: MAX_SIDE });
    }
    Ok(())
}

/// Blends transparent pixels with white, the background on which browsers usually show them.
fn blend_with_white(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
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
