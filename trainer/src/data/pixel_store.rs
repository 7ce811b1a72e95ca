//! Where decoded posters stay: in memory while they are few, otherwise in a temporary file, which the operating
//! system caches in whatever memory is free. A set of any size then trains in the memory of a small one.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use marquee::Pixels;

/// Decoded posters stay in memory up to this size.
const MEMORY_LIMIT: u64 = 256 << 20;

/// A store that posters are added to, by several threads at once.
pub(crate) enum PixelStore {
    Memory,
    File {
        file: Arc<File>,
        /// Bytes in use.
        end: AtomicU64,
        dir: PathBuf,
    },
}

/// The pixels of one poster in a store. The file disappears with its last poster, also if the program is killed.
#[derive(Debug, Clone)]
pub(crate) enum StoredPixels {
    Memory(Pixels),
    File { file: Arc<File>, offset: u64, width: u32, height: u32 },
}

impl PixelStore {
    /// Opens a store for about `expected` bytes, whose file, if it needs one, is in `dir`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn open(expected: u64, dir: &Path) -> Result<Self> {
        if expected <= MEMORY_LIMIT {
            return Ok(Self::Memory);
        }
        let file = tempfile::tempfile_in(dir)
            .with_context(|| format!("{}: cannot keep decoded posters there", dir.display()))?;
        Ok(Self::File { file: Arc::new(file), end: AtomicU64::new(0), dir: dir.to_owned() })
    }

    /// Keeps the pixels of a poster.
    ///
    /// # Errors
    /// The file cannot be written: the disk may be full.
    pub(crate) fn keep(&self, pixels: Pixels) -> Result<StoredPixels> {
        let Self::File { file, end, dir } = self else { return Ok(StoredPixels::Memory(pixels)) };
        let (width, height) = (pixels.width(), pixels.height());
        let bytes = pixels.into_rgb();
        let offset = end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        write_all_at(file, &bytes, offset).with_context(|| {
            let megabytes = offset / 1_000_000;
            format!("{}: cannot keep decoded posters after {megabytes} MB", dir.display())
        })?;
        Ok(StoredPixels::File { file: file.clone(), offset, width, height })
    }
}

impl StoredPixels {
    /// Returns the pixels, read from the file if they are there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn read(&self) -> io::Result<Cow<'_, Pixels>> {
        let (file, offset, width, height) = match self {
            Self::Memory(pixels) => return Ok(Cow::Borrowed(pixels)),
            Self::File { file, offset, width, height } => (file, offset, width, height),
        };
        let mut bytes = vec![0; *width as usize * *height as usize * 3];
        read_exact_at(file, &mut bytes, *offset)?;
        Pixels::new(*width, *height, bytes).map(Cow::Owned).map_err(io::Error::other)
    }
}

impl From<Pixels> for StoredPixels {
    fn from(pixels: Pixels) -> Self {
        Self::Memory(pixels)
    }
}

#[cfg(unix)]
use std::os::unix::fs::FileExt;

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(bytes, offset)
}

#[cfg(windows)]
use std::os::windows::fs::FileExt;

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let read = file.seek_read(&mut bytes[done..], offset + done as u64)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        done += read;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn posters_of_any_size_come_back_from_the_file_in_which_threads_kept_them() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let store = PixelStore::open(MEMORY_LIMIT + 1, dir.path())?;
        let poster = |index: u32| {
            Pixels::from_fn(index % 7 + 1, index % 5 + 1, |x, y| [index as u8, x as u8, y as u8])
        };
        let kept: Vec<StoredPixels> = (0..200)
            .into_par_iter()
            .map(|index| store.keep(poster(index)))
            .collect::<Result<_>>()?;
        for (index, stored) in (0..200).zip(&kept) {
            assert!(matches!(stored, StoredPixels::File { .. }));
            assert_eq!(*stored.read()?, poster(index));
        }
        assert_eq!(
            std::fs::read_dir(dir.path())?.count(),
            0,
            "the file has no name to be left under"
        );
        Ok(())
    }

    #[test]
    fn few_posters_stay_in_memory() -> Result<()> {
        let store = PixelStore::open(MEMORY_LIMIT, Path::new("/no such folder"))?;
        let poster = Pixels::from_fn(2, 3, |x, y| [x as u8, y as u8, 9]);
        assert_eq!(*store.keep(poster.clone())?.read()?, poster);
        Ok(())
    }
}
