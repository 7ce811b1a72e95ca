//! Labelled posters in the layout of the Kaggle set: `train.csv` with the columns Id and Genre and one 0/1
//! column a genre, and `Images/<id>.jpg`, `.jpeg`, `.png` or `.webp`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

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

/// A labelled poster.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Whether it has each genre, in the order of [`Dataset::genres`].
    pub(crate) labels: Vec<bool>,
}

impl Dataset {
    /// Reads `dir/train.csv`, at most `limit` rows of it.
    pub(crate) fn read(dir: &Path, limit: Option<usize>) -> Result<Self> {
        let path = dir.join("train.csv");
        let name = path.display();
        let mut reader = csv::Reader::from_path(&path).with_context(|| {
            format!("{name}: cannot be opened; --data names a folder with train.csv and Images/")
        })?;
        let header = reader.headers().with_context(|| format!("{name}, row 1"))?.clone();
        let id_column = header
            .iter()
            .position(|column| column == "Id")
            .with_context(|| format!("{name}, row 1: there is no column Id"))?;
        let genre_columns: Vec<usize> = (0..header.len())
            .filter(|&column| column != id_column && &header[column] != "Genre")
            .collect();
        ensure!(!genre_columns.is_empty(), "{name}, row 1: there is no column for a genre");

        let mut rows = Vec::new();
        for (index, record) in reader.records().take(limit.unwrap_or(usize::MAX)).enumerate() {
            let row = index + 2; // as a spreadsheet counts, the header being row 1
            let record = record.with_context(|| format!("{name}, row {row}"))?;
            let id = record[id_column].trim().to_owned();
            // An id becomes a file name below; it must not lead out of the folder.
            if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\']) {
                bail!("{name}, row {row}: the Id {id:?} cannot name an image");
            }
            let mut labels = Vec::with_capacity(genre_columns.len());
            for &column in &genre_columns {
                labels.push(match record[column].trim() {
                    "0" => false,
                    "1" => true,
                    other => bail!(
                        "{name}, row {row}, column {}: {other:?} is neither 0 nor 1",
                        &header[column]
                    ),
                });
            }
            rows.push(Row { id, labels });
        }
        ensure!(!rows.is_empty(), "{name} has no row below its header");
        let genres = genre_columns.iter().map(|&column| header[column].to_owned()).collect();
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
