//! Rejects NaN and infinities in what a model computed, on every device in the same way.

use crate::error::{Error, Result};

/// Returns `values` if all of them are finite.
///
/// # Errors
/// [`Error::Compute`] otherwise.
pub(crate) fn check_finite(values: Vec<f32>) -> Result<Vec<f32>> {
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::Compute { reason: "the result contains NaN or infinite values".into() });
    }
    Ok(values)
}
