//! Writing safetensors bytes.
//!
//! A bundle in one file is checked by the hash of its weights *without* the manifest in their header, so these bytes
//! are written once more whenever such a file is read. They must not change between versions of Marquee or of its
//! dependencies: the header is therefore written here, character by character, and not by a JSON library.

use std::fmt::Write as _;

use safetensors::tensor::Dtype;

use super::invalid_weights;
use crate::error::Result;

/// A tensor to write. The order of the fields is the order in the file: larger numbers first, so that they are
/// aligned, then by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry<'a> {
    /// Bytes of a number, negated.
    order: isize,
    pub(super) name: &'a str,
    dtype: &'static str,
    pub(super) shape: &'a [usize],
    pub(super) bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Describes a tensor of 32-bit or 16-bit floats or of 8-bit integers.
    ///
    /// # Errors
    /// [`Error::WeightsShape`](crate::Error::WeightsShape) for other types, and for names that JSON would have to
    /// escape: no tensor of an architecture has one.
    pub(super) fn new(
        name: &'a str,
        dtype: Dtype,
        shape: &'a [usize],
        bytes: &'a [u8],
    ) -> Result<Self> {
        let (order, dtype) = match dtype {
            Dtype::F32 => (-4, "F32"),
            Dtype::F16 => (-2, "F16"),
            Dtype::I8 => (-1, "I8"),
            other => {
                let reason = format!("{name} is stored as {other:?}, not as F32, F16 or I8");
                return Err(invalid_weights(reason));
            }
        };
        if name.chars().any(|c| !(c.is_ascii_graphic() || c == ' ') || matches!(c, '"' | '\\')) {
            return Err(invalid_weights(format!("{name:?} is not a tensor's name")));
        }
        Ok(Self { order, name, dtype, shape, bytes })
    }
}

/// Returns the bytes of a safetensors file, in any order of `tensors` the same. `metadata` is the JSON of the header's
/// `__metadata__`.
pub(super) fn serialise(mut tensors: Vec<Entry<'_>>, metadata: Option<&str>) -> Vec<u8> {
    tensors.sort_unstable();
    let mut header = String::from("{");
    if let Some(metadata) = metadata {
        header += &format!("\"__metadata__\":{metadata},");
    }
    let mut offset = 0;
    for Entry { name, dtype, shape, bytes, .. } in &tensors {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let (shape, end) = (shape.join(","), offset + bytes.len());
        // Writing to a string cannot fail.
        let _ = write!(
            header,
            r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{offset},{end}]}},"#
        );
        offset = end;
    }
    if header.ends_with(',') {
        header.pop();
    }
    header.push('}');
    // The data begins at a multiple of 8 bytes.
    let padded = header.len().next_multiple_of(8);
    let mut file = Vec::with_capacity(8 + padded + offset);
    file.extend((padded as u64).to_le_bytes());
    file.extend(header.as_bytes());
    file.resize(8 + padded, b' ');
    tensors.iter().for_each(|tensor| file.extend(tensor.bytes));
    file
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use super::*;

    #[test]
    fn the_bytes_of_a_file_never_change() {
        let entry = |name, dtype, bytes| Entry::new(name, dtype, &[2], bytes).unwrap();
        let tensors = vec![
            entry("last.weight", Dtype::I8, &[1, 2]),
            entry("last.weight.scale", Dtype::F16, &[3, 4, 5, 6]),
            entry("norm", Dtype::F32, &[7; 8]),
        ];
        let header = concat!(
            r#"{"norm":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#,
            r#""last.weight.scale":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"#,
            r#""last.weight":{"dtype":"I8","shape":[2],"data_offsets":[12,14]}}"#,
        );
        let mut expected = vec![192, 0, 0, 0, 0, 0, 0, 0];
        expected.extend(format!("{header:192}").as_bytes());
        expected.extend([7, 7, 7, 7, 7, 7, 7, 7, 3, 4, 5, 6, 1, 2]);
        assert_eq!(header.len().next_multiple_of(8), 192);
        assert_eq!(serialise(tensors.clone(), None), expected);
        // The library's reader agrees, and the order of the tensors does not matter.
        let read = safetensors::SafeTensors::deserialize(&expected).unwrap();
        assert_eq!(read.tensor("norm").unwrap().data(), [7; 8]);
        let reversed = tensors.into_iter().rev().collect();
        assert_eq!(serialise(reversed, None), expected);
    }

    #[test]
    fn refuses_names_that_would_have_to_be_escaped() {
        for name in ["a\"b", "a\\b", "a\nb", "é"] {
            assert!(Entry::new(name, Dtype::I8, &[0], &[]).is_err(), "{name:?}");
        }
    }
}
