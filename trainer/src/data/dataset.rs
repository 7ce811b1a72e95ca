//! A folder of labelled posters in the layout of the Kaggle set: `train.csv` with the columns Id and Genre and one
//! 0/1 column per genre, and `Images/<id>.jpg`, `.jpeg`, `.png` or `.webp`.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use marquee::metrics::{LabelRow, Labels};

const IMAGE_EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The rows of a `train.csv`.
pub(crate) struct Dataset {
    /// The folder of `train.csv` and `Images/`.
    pub(crate) dir: PathBuf,
    /// Genres in column order.
    pub(crate) genres: Vec<String>,
    /// Rows in file order. Ids are not necessarily unique.
    pub(crate) rows: Vec<LabelRow>,
}

impl Dataset {
    /// Reads `dir/train.csv`, at most `limit` rows of it.
    pub(crate) fn read(dir: &Path, limit: Option<usize>) -> Result<Self> {
        let path = dir.join("train.csv");
        let name = path.display();
        let file = File::open(&path).with_context(|| {
            format!(
                "{name}: cannot be opened; --data must name a folder with train.csv and Images/"
            )
        })?;
        let Labels { genres, rows } =
            Labels::read(file, limit).map_err(|error| anyhow!("{name}, {error}"))?;
        Ok(Self { dir: dir.to_owned(), genres, rows })
    }

    /// Returns the dataset with only the rows of these ids.
    pub(crate) fn with_ids(&self, ids: &HashSet<String>) -> Self {
        let rows = self.rows.iter().filter(|row| ids.contains(&row.id)).cloned().collect();
        Self { dir: self.dir.clone(), genres: self.genres.clone(), rows }
    }

    /// Returns the path of a poster's image file, or `None` if there is none.
    pub(crate) fn image_path(&self, id: &str) -> Option<PathBuf> {
        let images = self.dir.join("Images");
        IMAGE_EXTENSIONS
            .iter()
            .map(|extension| images.join(format!("{id}.{extension}")))
            .find(|path| path.is_file())
    }
}
