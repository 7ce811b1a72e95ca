//! Numbers of a manifest that may be undefined, such as a mean over no genre: NaN in Rust, `null` in JSON, which has
//! no NaN.

use serde::{Deserialize, Deserializer};

/// Reads a number, or NaN from `null`. `serde_json` writes NaN as `null` by itself.
pub(super) fn or_null<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or(f64::NAN))
}
