//! Labelled posters in the layout of the Kaggle set: `train.csv` with the columns Id and Genre and one 0/1
//! column a genre, and `Images/<id>.jpg`, `.jpeg`, `.png` or `.webp`.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use marquee::Labels;
pub(crate) use marquee::labels::Row;

const IMAGE_EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The rows of a `train.csv`.
pub(crate) struct Dataset {
    /// The folder that it was read from.
    pub(crate) dir: PathBuf,
    /// Genres in the order of their columns.
    pub(crate) genres: Vec<String>,
    /// Rows in the order of the file. An id may come twice.
    pub(crate) rows: Vec<Row>,
}

impl Dataset {
    /// Reads `dir/train.csv`, at most `limit` rows of it.
    pub(crate) fn read(dir: &Path, limit: Option<usize>) -> Result<Self> {
        let path = dir.join("train.csv");
        let name = path.display();
        let file = File::open(&path).with_context(|| {
            format!("{name}: cannot be opened; --data names a folder with train.csv and Images/")
        })?;
        let Labels { genres, rows } =
            Labels::read(file, limit).map_err(|error| anyhow!("{name}, {error}"))?;
        Ok(Self { dir: dir.to_owned(), genres, rows })
    }

    /// The rows of some ids alone.
    pub(crate) fn only(&self, ids: &HashSet<String>) -> Self {
        let rows = self.rows.iter().filter(|row| ids.contains(&row.id)).cloned().collect();
        Self { dir: self.dir.clone(), genres: self.genres.clone(), rows }
    }

    /// The image file of a poster, or `None` where there is none.
    pub(crate) fn image(&self, id: &str) -> Option<PathBuf> {
        let images = self.dir.join("Images");
        IMAGE_EXTENSIONS
            .iter()
            .map(|extension| images.join(format!("{id}.{extension}")))
            .find(|path| path.is_file())
    }
}
