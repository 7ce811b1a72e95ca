//! Reading a bundle's files, and replacing them so that a reader finds the old bundle or the new one, never a
//! mixture.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::manifest::{MANIFEST_FILE, Manifest};
use crate::error::{Error, Result};
use crate::weights;

/// Reads the text of the manifest and the bytes of the weights, from a bundle's folder or from a bundle in one
/// file. They are not checked against each other; [`WeightFile::check`](super::WeightFile::check) does that.
///
/// # Errors
/// [`Error::File`], [`Error::NotABundle`], and those of [`Manifest::from_json`].
pub fn read_parts(path: &Path) -> Result<(String, Vec<u8>)> {
    let read = |path: &Path| fs::read(path).map_err(|source| file_error(path, source));
    if path.is_file() {
        return weights::split_manifest(&read(path)?);
    }
    let manifest = path.join(MANIFEST_FILE);
    let json = fs::read_to_string(&manifest).map_err(|source| file_error(&manifest, source))?;
    let weights = read(&path.join(Manifest::from_json(&json)?.weights.file))?;
    Ok((json, weights))
}

/// Writes `manifest` and the bytes of its weights into the folder `dir`, and removes the weights of the bundle that
/// was there before. If it is interrupted, the folder holds the old bundle or the new one.
///
/// # Errors
/// [`Error::File`] or [`Error::Manifest`].
#[cfg(feature = "burn")]
pub(super) fn write_parts(dir: &Path, manifest: &Manifest, weights: &[u8]) -> Result<()> {
    fs::create_dir_all(dir).map_err(|source| file_error(dir, source))?;
    write_atomically(&dir.join(&manifest.weights.file), weights)?;
    write_atomically(&dir.join(MANIFEST_FILE), manifest.to_json()?.as_bytes())?;
    remove_other_weights(dir, &manifest.weights.file);
    Ok(())
}

/// Removes weight files other than `current`. Failures are ignored: the bundle is complete with or without them.
#[cfg(feature = "burn")]
fn remove_other_weights(dir: &Path, current: &str) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_weights = name.starts_with("model-") && name.ends_with(".safetensors");
        if is_weights && name != current {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes `bytes` to a temporary file next to `path` and renames it to `path`.
///
/// # Errors
/// [`Error::File`]; whatever was at `path` is then unchanged.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        file_error(path, source)
    })
}

fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}
