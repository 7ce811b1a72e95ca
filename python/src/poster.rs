//! Posters as Python passes them, and as the model sees them.

use std::path::PathBuf;

use marquee::{Error, Pixels, Preprocess};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A poster, in a form that needs no Python: other Python threads run while it is decoded.
pub(crate) enum Poster<'a> {
    /// An image file that has not been read yet.
    File(PathBuf),
    /// The bytes of an image file.
    Bytes(&'a [u8]),
    /// Decoded pixels.
    Rgba(&'a Rgba),
    /// No poster, such as a null in an Arrow array.
    Missing,
}

/// Decoded pixels: red, green, blue and alpha of each, rows from the top.
#[pyclass(frozen, module = "marquee._marquee")]
pub(crate) struct Rgba {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

/// Why a poster has no probabilities.
pub(crate) enum PosterError {
    /// It could not be read, decoded or classified.
    Failed(Error),
    /// There is none.
    Missing,
}

#[pymethods]
impl Rgba {
    #[new]
    fn new(pixels: &[u8], width: u32, height: u32) -> Self {
        Self { pixels: pixels.to_vec(), width, height }
    }
}

impl<'a> Poster<'a> {
    /// Converts a path (`str`), the bytes of an image file, an [`Rgba`] or `None`.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub(crate) fn from_python(poster: &'a Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = poster.cast::<PyBytes>() {
            Ok(Self::Bytes(bytes.as_bytes()))
        } else if let Ok(rgba) = poster.cast::<Rgba>() {
            Ok(Self::Rgba(rgba.get()))
        } else if poster.is_none() {
            Ok(Self::Missing)
        } else {
            Ok(Self::File(poster.extract()?))
        }
    }

    /// Reads, decodes and resizes the poster to a model's input.
    pub(crate) fn pixels(&self, input: &Preprocess) -> Result<Pixels, PosterError> {
        let pixels = match self {
            Self::File(path) => std::fs::read(path)
                .map_err(|source| Error::File { path: path.display().to_string(), source })
                .and_then(|bytes| input.decode(&bytes)),
            Self::Bytes(bytes) => input.decode(bytes),
            Self::Rgba(Rgba { pixels, width, height }) => {
                input.resize_rgba(pixels.clone(), *width, *height)
            }
            Self::Missing => return Err(PosterError::Missing),
        };
        pixels.map_err(PosterError::Failed)
    }
}
