//! Options from JavaScript, and errors to JavaScript.

use serde::Deserialize;
use wasm_bindgen::JsValue;

use crate::error::Error;

/// Reads an options object; `undefined` and `null` mean the defaults.
///
/// # Errors
/// A `TypeError` if a key is unknown or a value has the wrong type.
pub(super) fn from_js<T: Default + for<'de> Deserialize<'de>>(
    options: JsValue,
) -> Result<T, JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(options)
        .map_err(|error| type_error(&format!("options: {error}")))
}

/// Returns a JavaScript `Error` whose `name` is the error's kind.
pub(super) fn to_js(error: Error) -> JsValue {
    let js = js_sys::Error::new(&error.to_string());
    js.set_name(error.kind());
    js.into()
}

pub(super) fn type_error(message: &str) -> JsValue {
    js_sys::TypeError::new(message).into()
}
