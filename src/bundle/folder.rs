//! Reading a bundle's folder, and replacing its files so that a reader finds the old bundle or the new one, never a
//! mixture.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::manifest::{MANIFEST_FILE, Manifest};
use super::{BundleFiles, WeightFile};
use crate::error::{Error, Result};

/// Reads the bundle in a folder, or in one file.
pub(super) fn read(path: &Path) -> Result<BundleFiles> {
    if path.is_file() {
        return BundleFiles::from_single_file(&read_bytes(path)?);
    }
    let manifest = path.join(MANIFEST_FILE);
    let json = fs::read_to_string(&manifest).map_err(|source| file_error(&manifest, source))?;
    let weights = read_bytes(&path.join(Manifest::from_json(&json)?.weights.file))?;
    BundleFiles::from_parts(&json, weights)
}

/// Writes a bundle into the folder `dir`, and removes the weight file of the bundle that it replaces.
pub(super) fn write(dir: &Path, files: &BundleFiles) -> Result<()> {
    fs::create_dir_all(dir).map_err(|source| file_error(dir, source))?;
    let replaced = weight_file(dir);
    let manifest = files.manifest();
    write_atomically(&dir.join(&manifest.weights.file), files.weights())?;
    write_atomically(&dir.join(MANIFEST_FILE), manifest.to_json()?.as_bytes())?;
    if let Some(replaced) = replaced.filter(|replaced| replaced.file != manifest.weights.file) {
        remove(dir, &replaced);
    }
    Ok(())
}

/// Returns the weight file that the manifest in `dir` names; `None` without a manifest that this version reads.
fn weight_file(dir: &Path) -> Option<WeightFile> {
    let json = fs::read_to_string(dir.join(MANIFEST_FILE)).ok()?;
    Some(Manifest::from_json(&json).ok()?.weights)
}

/// Removes a weight file if its contents are those of the manifest that named it: another file of that name is
/// somebody else's. Failures are ignored, because the new bundle is complete with or without it.
fn remove(dir: &Path, replaced: &WeightFile) {
    let path = dir.join(&replaced.file);
    if fs::read(&path).is_ok_and(|bytes| replaced.check(&bytes).is_ok()) {
        let _ = fs::remove_file(path);
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

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}
