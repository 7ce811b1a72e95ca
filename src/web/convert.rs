//! Errors to JavaScript.

use js_sys::Array;
use wasm_bindgen::JsValue;

use crate::error::Error;

/// Returns a JavaScript `Error` whose `name` is the error's kind.
pub(super) fn to_js(error: Error) -> JsValue {
    named_error(error.kind(), &error.to_string())
}

/// Returns a JavaScript `Error` with a name by which programs can tell it from others.
pub(super) fn named_error(name: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name(name);
    error.into()
}

pub(super) fn type_error(message: &str) -> JsValue {
    js_sys::TypeError::new(message).into()
}

/// Returns what a value is, for a `TypeError`.
pub(super) fn describe(value: &JsValue) -> String {
    if value.is_undefined() {
        return "undefined".into();
    }
    if value.is_null() {
        return "null".into();
    }
    if Array::is_array(value) {
        return "an array".into();
    }
    match value.js_typeof().as_string().as_deref() {
        Some("object") => "another object".into(),
        Some(kind) => format!("a {kind}"),
        None => "another value".into(),
    }
}
