//! A stranger's zip into a folder, and nowhere else.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::progress::Ticker;

/// Posters hardly shrink in a zip; what grows by more than this, beyond [`ALLOWANCE`], is a bomb.
const GROWTH: u64 = 8;

/// Bytes that any archive may unpack to: a table of genres shrinks well.
const ALLOWANCE: u64 = 256 << 20;

/// Unpacks all of `archive` into the folder `dir`, which it makes.
///
/// Archives with paths that leave the folder, with links, or that grow beyond measure are refused; the checksum
/// of every file in them is compared.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<()> {
    let name = archive.display();
    let file = File::open(archive).with_context(|| name.to_string())?;
    let mut left = file.metadata()?.len().saturating_mul(GROWTH).saturating_add(ALLOWANCE);
    let limit = left;
    let zip = zip::ZipArchive::new(file);
    let mut zip = zip.with_context(|| format!("{name} is not a zip; remove it and fetch again"))?;
    // Before the first file is written.
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index)?;
        ensure!(
            entry.enclosed_name().is_some() && !entry.is_symlink(),
            "{name}: the entry {:?} would lie outside the folder that is unpacked to, or is a link; \
             nothing was unpacked",
            entry.name()
        );
    }
    let ticker = Ticker::new("unpacking", zip.len());
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        let Some(path) = entry.enclosed_name().map(|path| dir.join(path)) else { continue };
        let at = || format!("{name}, to {}", path.display());
        if entry.is_dir() {
            std::fs::create_dir_all(&path).with_context(at)?;
            continue;
        }
        std::fs::create_dir_all(path.parent().unwrap_or(dir)).with_context(at)?;
        let mut to = File::create(&path).with_context(at)?;
        // What the zip says of a file's size need not be true.
        let written = std::io::copy(&mut (&mut entry).take(left), &mut to).with_context(at)?;
        left -= written;
        if left == 0 {
            std::fs::remove_dir_all(dir)?;
            bail!("{name} unpacks to more than {} MB: it is no archive of posters", limit >> 20);
        }
        ticker.tick(index + 1);
    }
    ticker.finish();
    Ok(())
}

/// The folder with `train.csv` in it: `dir`, or one in it.
pub(super) fn folder_of_table(dir: &Path) -> Result<PathBuf> {
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
        "there is no train.csv in what was fetched; it lies in {}: put its table and posters into the layout that \
         the README describes",
        dir.display()
    )
}
