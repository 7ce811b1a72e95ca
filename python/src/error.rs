//! The crate's errors as Python exceptions.

use marquee::Error as Core;
use pyo3::exceptions::{PyException, PyOSError};
use pyo3::prelude::*;
use pyo3::{create_exception, intern};

use crate::poster::PosterError;

create_exception!(
    marquee,
    Error,
    PyException,
    "Anything that Marquee cannot do. The attribute `kind` names the error."
);
create_exception!(marquee, ImageError, Error, "A poster that cannot be classified.");
create_exception!(marquee, BundleError, Error, "A model that cannot be loaded.");

/// Returns the exception for an error of the crate. Its attribute `kind` is the error's kind, as in JavaScript.
pub(crate) fn exception(py: Python<'_>, error: &Core) -> PyErr {
    let message = error.to_string();
    let exception = match error {
        Core::File { path, source } => return file_error(path, source),
        Core::EmptyImage
        | Core::UnknownImageFormat
        | Core::ImageTooLarge { .. }
        | Core::SideTooLong { .. }
        | Core::DamagedImage { .. }
        | Core::PixelCount { .. } => ImageError::new_err(message),
        Core::Architecture { .. }
        | Core::Manifest { .. }
        | Core::FormatVersion { .. }
        | Core::WeightsLength { .. }
        | Core::WeightsHash { .. }
        | Core::WeightsShape { .. }
        | Core::NotABundle { .. } => BundleError::new_err(message),
        _ => Error::new_err(message),
    };
    with_kind(py, exception, error.kind())
}

/// Returns the exception for a poster without probabilities.
pub(crate) fn poster_exception(py: Python<'_>, error: &PosterError) -> PyErr {
    match error {
        PosterError::Failed(error) => exception(py, error),
        PosterError::Missing => {
            let exception = ImageError::new_err("there is no poster: the value is null");
            with_kind(py, exception, "MissingImage")
        }
    }
}

fn with_kind(py: Python<'_>, exception: PyErr, kind: &str) -> PyErr {
    exception.value(py).setattr(intern!(py, "kind"), kind).err().unwrap_or(exception)
}

/// Returns the `OSError` for a file. Python chooses its subclass, such as `FileNotFoundError`, by the number.
fn file_error(path: &str, source: &std::io::Error) -> PyErr {
    match source.raw_os_error() {
        Some(number) => {
            // Python adds the number and the path.
            let message = source.to_string();
            let message = message.split(" (os error").next().unwrap_or_default().to_owned();
            PyOSError::new_err((number, message, path.to_owned()))
        }
        None => PyOSError::new_err(format!("{path}: {source}")),
    }
}
