//! The formats in which probabilities by poster and genre are stored, by the end of a file's name.

use std::path::Path;

use anyhow::{Result, bail};

use super::parquet::Table;

/// A format; each holds answers or soft labels.
#[derive(Clone, Copy)]
pub(crate) enum TableFormat {
    Csv,
    Parquet,
    Safetensors,
}

impl TableFormat {
    /// The endings, for messages.
    pub(crate) const ENDINGS: &str = ".csv, .parquet or .safetensors";

    /// Returns the format of a file.
    ///
    /// # Errors
    /// The name has another ending; `contents` says what the file would hold.
    pub(crate) fn of(path: &Path, contents: &str) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => bail!("{contents} are stored as {}", Self::ENDINGS),
        }
    }

    /// Reads a file and passes its bytes to the reader of its format: `csv`, which gets the columns of a Parquet file too,
    /// or `safetensors`.
    pub(crate) fn read<T>(
        self,
        path: &Path,
        csv: fn(&[u8]) -> Result<T>,
        safetensors: fn(&[u8]) -> Result<T>,
    ) -> Result<T> {
        match self {
            Self::Csv => csv(&std::fs::read(path)?),
            Self::Parquet => csv(&Table::open(path)?.to_csv()?),
            Self::Safetensors => safetensors(&std::fs::read(path)?),
        }
    }
}
