//! `trainer fetch`: labelled posters from Kaggle, or from any address of a zip, into a folder to train from.
//!
//! Everything lies in `<out>.fetching` until it is whole, so that a fetch that was stopped goes on where it was and
//! `--out` holds all posters or does not exist.

mod download;
mod kaggle;
mod unpack;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cli::FetchArgs;
use crate::data::dataset::Dataset;
use download::Source;

pub(crate) fn run(args: &FetchArgs) -> Result<()> {
    let out = &args.out;
    let occupied = out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    ensure!(
        !occupied && !out.is_file(),
        "--out {} is not empty; name a folder that does not exist yet",
        out.display()
    );
    let source = match &args.url {
        Some(url) => Source::plain(url),
        None => kaggle::source(&args.dataset)?,
    };
    let work = beside(out)?;
    std::fs::create_dir_all(&work).with_context(|| work.display().to_string())?;

    let archive = work.join("archive.zip");
    if download::is_here(&source, &archive) {
        eprintln!("{} is here already", archive.display());
    } else {
        download::download(&source, &archive, args.timeout)?;
    }
    if let Some(expected) = &args.sha256 {
        download::check_sha256(&archive, expected)?;
    }

    let unpacked = work.join("unpacked");
    if unpacked.exists() {
        std::fs::remove_dir_all(&unpacked).with_context(|| unpacked.display().to_string())?;
    }
    unpack::unpack(&archive, &unpacked)?;
    let posters = unpack::folder_of_table(&unpacked)?;
    let Dataset { genres, rows, .. } = Dataset::read(&posters, None)?;
    if out.exists() {
        std::fs::remove_dir(out).with_context(|| out.display().to_string())?;
    }
    std::fs::rename(&posters, out).with_context(|| out.display().to_string())?;
    std::fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
    let (posters, genres) = (rows.len(), genres.len());
    println!(
        "{posters} rows with {genres} genres; go on with: trainer train --data {}",
        out.display()
    );
    Ok(())
}

/// Where a fetch to `out` keeps what it has so far.
fn beside(out: &Path) -> Result<PathBuf> {
    let mut name = out.file_name().context("--out must name a folder")?.to_owned();
    name.push(".fetching");
    Ok(out.with_file_name(name))
}
