//! Unpacks an untrusted zip archive without writing outside its folder or filling the disk.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::progress::Ticker;

/// Largest ratio of unpacked to packed bytes, beyond [`ALLOWANCE`]. Images hardly shrink in a zip, so an archive that
/// grows more is a zip bomb.
const MAX_GROWTH: u64 = 8;

/// Bytes that every archive may unpack to, because `train.csv` compresses well.
const ALLOWANCE: u64 = 256 << 20;

/// Unpacks `archive` into the folder `dir`, which is created. Verifies the checksum of every file.
///
/// # Errors
/// Refuses archives with links or with paths that leave the folder, before anything is written. Fails if the archive
/// is damaged or unpacks to more than its size allows.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<()> {
    let name = archive.display();
    let file = File::open(archive).with_context(|| name.to_string())?;
    let mut left = file.metadata()?.len().saturating_mul(MAX_GROWTH).saturating_add(ALLOWANCE);
    let limit = left;
    let zip = zip::ZipArchive::new(file);
    let mut zip =
        zip.with_context(|| format!("{name} is not a zip archive; remove it and fetch again"))?;
    // Check every entry before the first file is written.
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index)?;
        ensure!(
            entry.enclosed_name().is_some() && !entry.is_symlink(),
            "{name}: the entry {:?} is a link or leads outside the output folder; nothing was unpacked",
            entry.name()
        );
    }
    let ticker = Ticker::new("unpacking", zip.len());
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        let Some(path) = entry.enclosed_name().map(|path| dir.join(path)) else { continue };
        let context = || format!("{name}, to {}", path.display());
        if entry.is_dir() {
            std::fs::create_dir_all(&path).with_context(context)?;
            continue;
        }
        std::fs::create_dir_all(path.parent().unwrap_or(dir)).with_context(context)?;
        let mut to = File::create(&path).with_context(context)?;
        // The size in the zip's directory is untrusted, so the bytes are counted.
        let written = std::io::copy(&mut (&mut entry).take(left), &mut to).with_context(context)?;
        left -= written;
        if left == 0 {
            std::fs::remove_dir_all(dir)?;
            bail!(
                "{name} unpacks to more than {} MB, too much for an archive of posters",
                limit >> 20
            );
        }
        ticker.tick(index + 1);
    }
    ticker.finish();
    Ok(())
}

/// Returns the folder that contains `train.csv`: `dir`, or the first one below it, level by level.
///
/// # Errors
/// Fails if there is none.
pub(super) fn find_table(dir: &Path) -> Result<PathBuf> {
    let mut level = vec![dir.to_owned()];
    while !level.is_empty() {
        if let Some(found) = level.iter().find(|dir| dir.join("train.csv").is_file()) {
            return Ok(found.clone());
        }
        let entries = level.iter().filter_map(|dir| dir.read_dir().ok()).flatten().flatten();
        level = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        level.sort();
    }
    bail!(
        "the archive contains no train.csv; its files are in {}. Arrange them as docs/training.md describes",
        dir.display()
    )
}
