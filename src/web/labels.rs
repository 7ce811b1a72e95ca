//! `readLabels`: a CSV with true genres.

use wasm_bindgen::prelude::*;

use super::convert::to_js;
use crate::metrics::Labels;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** True genres, from a CSV with a column Id and one 0/1 column per genre. */
export interface Labels {
    genres: string[];
    /** The labels are in the order of the genres. */
    rows: { id: string; labels: boolean[] }[];
}
"#;

/// Reads true genres from the text of a CSV with a column Id and one 0/1 column per genre.
#[wasm_bindgen(js_name = readLabels, unchecked_return_type = "Labels")]
pub fn read_labels(csv: &str) -> Result<JsValue, JsValue> {
    let labels = Labels::read(csv.as_bytes(), None).map_err(to_js)?;
    Ok(serde_wasm_bindgen::to_value(&labels)?)
}
