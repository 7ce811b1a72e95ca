//! Downloading a dataset of labelled posters, from Kaggle or as a zip archive from any URL.
//!
//! All intermediate files are in `<out>.fetching`. An interrupted fetch resumes from there, and `<out>` either holds
//! the whole dataset or does not exist.

mod checksum;
mod download;
mod kaggle;
mod remote_file;
mod unpack;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::dataset::Dataset;
use download::Source;

/// What to download.
pub(crate) struct Request<'a> {
    /// Kaggle dataset, as `owner/name`. Ignored if there is a URL.
    pub(crate) dataset: &'a str,
    pub(crate) url: Option<&'a str>,
    /// Expected SHA-256 of the archive, in hexadecimal.
    pub(crate) sha256: Option<&'a str>,
    /// Longest wait for the next byte before a connection is given up.
    pub(crate) timeout: Duration,
}

/// Downloads and unpacks a dataset to `out`, which must not exist or be empty, and returns its table.
///
/// # Errors
/// Fails if `out` is not empty, if the server refuses or keeps failing, if the archive does not match its checksums
/// or is unsafe to unpack, or if it holds no valid `train.csv`.
pub(crate) fn fetch(request: &Request<'_>, out: &Path) -> Result<Dataset> {
    let occupied = out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    ensure!(
        !occupied && !out.is_file(),
        "--out {} is not empty; name a folder that does not exist yet",
        out.display()
    );
    let source = match request.url {
        Some(url) => Source::without_credentials(url),
        None => kaggle::source(request.dataset)?,
    };
    let work = work_folder(out)?;
    std::fs::create_dir_all(&work).with_context(|| work.display().to_string())?;

    let archive = work.join("archive.zip");
    if download::is_complete(&source, &archive) {
        eprintln!("{} was downloaded earlier", archive.display());
    } else {
        download::download(&source, &archive, request.timeout)?;
    }
    if let Some(expected) = request.sha256 {
        checksum::check_sha256(&archive, expected)?;
    }

    let unpacked = work.join("unpacked");
    if unpacked.exists() {
        std::fs::remove_dir_all(&unpacked).with_context(|| unpacked.display().to_string())?;
    }
    unpack::unpack(&archive, &unpacked)?;
    let posters = unpack::find_table(&unpacked)?;
    let dataset = Dataset::read(&posters, None)?;
    if out.exists() {
        std::fs::remove_dir(out).with_context(|| out.display().to_string())?;
    }
    std::fs::rename(&posters, out).with_context(|| out.display().to_string())?;
    std::fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
    Ok(dataset)
}

/// Returns the folder for the intermediate files of a fetch to `out`.
fn work_folder(out: &Path) -> Result<PathBuf> {
    let mut name = out.file_name().context("--out must name a folder")?.to_owned();
    name.push(".fetching");
    Ok(out.with_file_name(name))
}
