//! `readLabels`: a CSV with true genres.

use wasm_bindgen::prelude::*;

use super::convert::to_js;
use crate::metrics::Labels;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** True genres, from a CSV with a column Id and one column per genre: 0, 1, or nothing if it is unknown. */
export interface Labels {
    genres: string[];
    /** The labels are in the order of the genres; undefined if unknown. */
    rows: { id: string; labels: (boolean | undefined)[] }[];
}
"#;

/// Reads true genres from the text of a CSV with a column Id and one column per genre: 0, 1, or nothing if it is
/// unknown.
#[wasm_bindgen(js_name = readLabels, unchecked_return_type = "Labels")]
pub fn read_labels(csv: &str) -> Result<JsValue, JsValue> {
    let labels = Labels::read(csv.as_bytes(), None).map_err(to_js)?;
    Ok(serde_wasm_bindgen::to_value(&labels)?)
}
