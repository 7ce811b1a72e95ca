//! Options from JavaScript: plain objects, whose keys and types are checked. `serde-wasm-bindgen` alone would ask an
//! object only for the keys that it expects, and so ignore a misspelt one.

use std::fmt::{Display, Formatter};

use js_sys::{Array, Object};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use wasm_bindgen::{JsCast, JsValue};

use super::convert::{describe, type_error};

/// The options of a call. Each struct [takes](Self::take) its fields; what is left then is unknown.
pub(super) struct Options {
    /// Names and values of the options that were not taken yet.
    entries: Vec<(String, JsValue)>,
    /// Names of the options that were asked for.
    known: Vec<&'static str>,
}

impl Options {
    /// Reads an options object. `undefined` and `null`, for the object or for an option, mean the default.
    ///
    /// # Errors
    /// A `TypeError` for anything else that is no object.
    pub(super) fn new(options: &JsValue) -> Result<Self, JsValue> {
        let known = Vec::new();
        if options.is_undefined() || options.is_null() {
            return Ok(Self { entries: Vec::new(), known });
        }
        let object = options.dyn_ref::<Object>();
        let object = object.filter(|object| !Array::is_array(object) && !object.is_function());
        let object = object.ok_or_else(|| {
            type_error(&format!("the options must be an object, not {}", describe(options)))
        })?;
        let entries = Object::entries(object);
        let entries = entries.iter().map(|entry| {
            let entry: Array = entry.unchecked_into();
            (entry.get(0).as_string().unwrap_or_default(), entry.get(1))
        });
        let given = entries.filter(|(_, value)| !value.is_undefined() && !value.is_null());
        Ok(Self { entries: given.collect(), known })
    }

    /// Takes the options that are fields of `T`; the others keep their defaults.
    ///
    /// # Errors
    /// A `TypeError` names an option whose value has the wrong type.
    pub(super) fn take<T: Default + DeserializeOwned>(&mut self) -> Result<T, JsValue> {
        let names = field_names::<T>();
        self.known.extend(names);
        let taken: Vec<_> =
            self.entries.extract_if(.., |(name, _)| names.contains(&name.as_str())).collect();
        // First each option alone, so that the error can name it.
        for (name, value) in &taken {
            read::<T>(&[(name, value)])
                .map_err(|reason| type_error(&format!("the option {name:?}: {reason}")))?;
        }
        let taken: Vec<_> = taken.iter().map(|(name, value)| (name, value)).collect();
        read(&taken).map_err(|reason| type_error(&reason))
    }

    /// Checks that all options were taken.
    ///
    /// # Errors
    /// A `TypeError` names the first one that was not, and the known ones.
    pub(super) fn finish(self) -> Result<(), JsValue> {
        let Some((name, _)) = self.entries.first() else { return Ok(()) };
        let known = match self.known.as_slice() {
            [] => "there are none".to_owned(),
            names => format!("the known ones are {}", names.join(", ")),
        };
        Err(type_error(&format!("there is no option {name:?}; {known}")))
    }
}

/// Reads an options object whose options are the fields of `T`.
///
/// # Errors
/// A `TypeError` if an option is unknown or has the wrong type.
pub(super) fn from_js<T: Default + DeserializeOwned>(options: &JsValue) -> Result<T, JsValue> {
    let mut options = Options::new(options)?;
    let read = options.take()?;
    options.finish()?;
    Ok(read)
}

/// Reads a struct with the given fields. Returns the reason if one has the wrong type.
fn read<T: DeserializeOwned>(fields: &[(&String, &JsValue)]) -> Result<T, String> {
    let pairs = fields.iter().map(|(name, value)| Array::of2(&JsValue::from_str(name), value));
    let object = Object::from_entries(&pairs.collect::<Array>()).unwrap_or_default();
    serde_wasm_bindgen::from_value(object.into()).map_err(|error| in_javascript(&error.to_string()))
}

/// Replaces the names of Rust's number types, with which a reason ends, by JavaScript's words.
fn in_javascript(reason: &str) -> String {
    let reason = reason.strip_prefix("Error: ").unwrap_or(reason);
    match reason.rsplit_once("expected ") {
        Some((found, "usize" | "u64")) => format!("{found}expected a whole number from 0 up"),
        Some((found, "f32" | "f64")) => format!("{found}expected a number"),
        Some((found, "a sequence")) => format!("{found}expected an array"),
        _ => reason.to_owned(),
    }
}

/// Returns the names of a struct's fields, which its derived `Deserialize` tells a deserialiser.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(NamesOnly).err().map_or(&[], |Names(names)| names)
}

/// A deserialiser that fails with the names of the fields that it is asked for.
struct NamesOnly;

/// The names of a struct's fields.
#[derive(Debug)]
struct Names(&'static [&'static str]);

impl<'de> Deserializer<'de> for NamesOnly {
    type Error = Names;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Names> {
        Err(Names(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Names> {
        Err(Names(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl serde::de::Error for Names {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }
}

impl std::error::Error for Names {}

impl Display for Names {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.join(", ").fmt(formatter)
    }
}
