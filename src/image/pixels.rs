//! A decoded poster together with its size, so that a wrong length is refused once, on construction.

use crate::error::{Error, Result};

/// A poster: red, green and blue, 8 bits each, rows from the top. There are always `height * width * 3` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Pixels {
    /// Wraps the pixels of a poster of `width` x `height`: red, green and blue of each, rows from the top.
    ///
    /// ```
    /// use marquee::{Error, Pixels};
    ///
    /// let poster = Pixels::new(2, 3, vec![128; 2 * 3 * 3])?;
    /// assert_eq!([poster.width(), poster.height()], [2, 3]);
    /// // Two rows are missing.
    /// assert!(matches!(Pixels::new(2, 3, vec![128; 6]), Err(Error::PixelCount { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::PixelCount`] if there are not exactly `height * width * 3` values.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let expected = (u64::from(width) * u64::from(height)).saturating_mul(3);
        let found = rgb.len() as u64;
        if found != expected {
            return Err(Error::PixelCount { width, height, expected, found });
        }
        Ok(Self { width, height, rgb })
    }

    /// Makes a poster of `width` x `height` from the colour of each pixel, `[red, green, blue]` at column `x` and row
    /// `y`.
    pub fn from_fn(width: u32, height: u32, mut colour: impl FnMut(u32, u32) -> [u8; 3]) -> Self {
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                rgb.extend(colour(x, y));
            }
        }
        Self { width, height, rgb }
    }

    /// Returns the width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns red, green and blue of each pixel, rows from the top: `[height, width, 3]`.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Returns the values of [`Self::rgb`], mutably.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// Returns the values without their size.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// Returns the poster flipped left to right.
    pub fn mirrored(&self) -> Self {
        // An empty poster has no rows, and `chunks` rejects a length of 0.
        let rows = self.rgb.chunks((self.width as usize * 3).max(1));
        let rgb = rows.flat_map(|row| row.chunks(3).rev().flatten().copied()).collect();
        Self { rgb, ..*self }
    }

    /// Checks that the poster has the size of a model's input.
    ///
    /// # Errors
    /// [`Error::PosterSize`] otherwise.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<()> {
        let (expected, found) = ([width, height], [self.width, self.height]);
        if expected == found { Ok(()) } else { Err(Error::PosterSize { expected, found }) }
    }
}
