//! Labelled posters from JavaScript.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::error::Error;
use crate::fine_tune::{FineTuner, PartialLabels};
use crate::web::contents::Contents;
use crate::web::convert::to_js;
use crate::web::options::from_js;

/// A poster as JavaScript passes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LabelledPoster {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    bytes: JsValue,
    labels: BTreeMap<String, bool>,
}

/// Adds a poster. Returns `undefined`, or the `Error` for which the poster cannot be decoded.
///
/// # Errors
/// A `TypeError`, or an error that does not come from the poster's file.
pub(super) async fn add(tuner: &mut FineTuner, poster: &JsValue) -> Result<JsValue, JsValue> {
    let LabelledPoster { bytes, labels } = from_js(poster)?;
    let contents = Contents::new(&bytes)?;
    let genres: Vec<&str> = tuner.genres().collect();
    if let Some(unknown) = labels.keys().find(|name| !genres.contains(&name.as_str())) {
        let reason = format!("it has no genre {unknown:?}; add it to newGenres");
        return Err(to_js(Error::NotTeachable { reason }));
    }
    let labels: PartialLabels = genres.iter().map(|name| labels.get(*name).copied()).collect();
    let pixels = contents.read().await.and_then(|bytes| tuner.input().decode(&bytes));
    let added = match pixels {
        Ok(pixels) => tuner.add(&[(pixels, labels)]).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(JsValue::UNDEFINED),
        Err(error @ (Error::Compute { .. } | Error::NotTeachable { .. })) => Err(to_js(error)),
        Err(error) => Ok(to_js(error)),
    }
}
