//! The contents of a file, as JavaScript has them: bytes, or a `Blob` that is read here.

use gloo_file::futures::read_as_bytes;
use gloo_file::{Blob, FileReadError};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;

use super::convert::{describe, type_error};
use crate::error::Error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The contents of a file. A `Blob`, such as a `File`, is read; that needs a browser (Node has no `FileReader`). */
export type FileContents = Uint8Array | ArrayBuffer | Blob;
"#;

#[wasm_bindgen]
extern "C" {
    /// The class with which gloo reads a blob.
    #[wasm_bindgen(thread_local_v2, js_name = FileReader)]
    static FILE_READER: Option<JsValue>;
}

/// The contents of a file.
pub(super) enum Contents {
    Bytes(Vec<u8>),
    /// A blob, and the name of the file if it has one.
    Blob(Blob, String),
}

impl Contents {
    /// Takes a `Uint8Array`, an `ArrayBuffer` or a `Blob`.
    ///
    /// # Errors
    /// A `TypeError` for anything else, and for a `Blob` where nothing can read it.
    pub(super) fn new(value: &JsValue) -> Result<Self, JsValue> {
        if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
            return Ok(Self::Bytes(bytes.to_vec()));
        }
        if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
            return Ok(Self::Bytes(Uint8Array::new(buffer).to_vec()));
        }
        let Some(blob) = value.dyn_ref::<web_sys::Blob>() else {
            let what = describe(value);
            let expected = "a Uint8Array, an ArrayBuffer or a Blob";
            return Err(type_error(&format!("a file's contents must be {expected}, not {what}")));
        };
        if FILE_READER.with(Option::is_none) {
            let advice = "pass new Uint8Array(await blob.arrayBuffer())";
            return Err(type_error(&format!("a Blob cannot be read without FileReader; {advice}")));
        }
        let name = value.dyn_ref::<web_sys::File>().map(web_sys::File::name);
        Ok(Self::Blob(blob.clone().into(), name.unwrap_or_else(|| "the file".into())))
    }

    /// Returns the bytes.
    ///
    /// # Errors
    /// [`Error::File`] if a `Blob` cannot be read, for example because its file was changed or removed.
    pub(super) async fn read(self) -> crate::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Blob(blob, path) => read_as_bytes(&blob).await.map_err(|error| {
                let reason = match error {
                    FileReadError::NotFound(_) => "it does not exist any more",
                    FileReadError::NotReadable(_) => "it has changed, or may not be read",
                    FileReadError::Security(_) => "the browser forbids to read it",
                    FileReadError::AbortedEarly => "reading it was stopped",
                };
                Error::File { path, source: std::io::Error::other(reason) }
            }),
        }
    }
}
