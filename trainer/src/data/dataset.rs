//! A folder of labelled posters in the layout of the Kaggle set: `train.csv` with the columns Id and Genre and one
//! column per genre (0, 1, or nothing if it is unknown), and `Images/<id>.jpg`, `.jpeg`, `.png` or `.webp`.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use marquee::Manifest;
use marquee::metrics::{Label, LabelRow, Labels};

use crate::config_keys;
use crate::formats::parquet::Table;

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
        ensure!(
            path.exists() || !Table::is_named_by(dir),
            "{dir} is a Parquet table; unpack it first: trainer unpack {dir} --out posters",
            dir = dir.display()
        );
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

    /// Reads `dir/train.csv`, at most `limit` rows of it, with the genres as in the training of a bundle.
    pub(crate) fn for_bundle(
        dir: &Path,
        limit: Option<usize>,
        manifest: &Manifest,
    ) -> Result<Self> {
        let recorded = config_keys::recorded(&manifest.training.settings, "missing_genre");
        let missing_genre = recorded.and_then(serde_json::Value::as_str);
        Ok(Self::read(dir, limit)?.with_missing_genre(missing_genre))
    }

    /// Turns a column that marks missing data, such as "N/A", into unknown labels: the column disappears, and in the
    /// rows where it is 1, the genres that are not present are unknown. Without such a column, nothing changes.
    pub(crate) fn with_missing_genre(mut self, name: Option<&str>) -> Self {
        let Some(column) = self.genres.iter().position(|genre| Some(genre.as_str()) == name) else {
            return self;
        };
        self.genres.remove(column);
        for LabelRow { labels, .. } in &mut self.rows {
            if labels.remove(column) == Some(true) {
                let absent = labels.iter_mut().filter(|label| **label == Some(false));
                absent.for_each(|label| *label = None);
            }
        }
        self
    }

    /// Gives the rows the columns `genres`, matched by name. The labels of a genre without a column are unknown, and
    /// columns that are not in `genres` disappear.
    pub(crate) fn with_genres(mut self, genres: &[String]) -> Self {
        let columns: Vec<Option<usize>> = genres
            .iter()
            .map(|genre| self.genres.iter().position(|column| column == genre))
            .collect();
        for row in &mut self.rows {
            let label = |column: &Option<usize>| -> Label { row.labels[(*column)?] };
            row.labels = columns.iter().map(label).collect();
        }
        self.genres = genres.to_vec();
        self
    }

    /// Returns the genres of `others` that have no column here.
    pub(crate) fn lacks(&self, others: &[String]) -> Vec<String> {
        others.iter().filter(|genre| !self.genres.contains(genre)).cloned().collect()
    }

    /// Returns the number of unknown labels, and the number of rows that have any.
    pub(crate) fn unknown_labels(&self) -> (usize, usize) {
        let counts = self.rows.iter().map(LabelRow::unknown).filter(|&count| count > 0);
        counts.fold((0, 0), |(labels, rows), count| (labels + count, rows + 1))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(csv: &str) -> Result<Dataset> {
        let Labels { genres, rows } = Labels::read(csv.as_bytes(), None)?;
        Ok(Dataset { dir: PathBuf::new(), genres, rows })
    }

    fn labels(dataset: &Dataset) -> Vec<&[Label]> {
        dataset.rows.iter().map(|row| row.labels.as_slice()).collect()
    }

    #[test]
    fn a_missing_genre_makes_the_labels_of_its_rows_unknown() -> Result<()> {
        let csv = "Id,Comedy,N/A,Drama\na,1,0,0\nb,0,1,0\nc,0,1,1\n";
        let dataset = dataset(csv)?.with_missing_genre(Some("N/A"));
        assert_eq!(dataset.genres, ["Comedy", "Drama"]);
        let expected = [[Some(true), Some(false)], [None, None], [None, Some(true)]];
        assert_eq!(labels(&dataset), expected);
        assert_eq!(dataset.unknown_labels(), (3, 2));
        Ok(())
    }

    #[test]
    fn without_the_column_of_a_missing_genre_nothing_changes() -> Result<()> {
        let csv = "Id,Comedy,N/A\na,0,1\n";
        for name in [None, Some("Unknown")] {
            let dataset = dataset(csv)?.with_missing_genre(name);
            assert_eq!(dataset.genres, ["Comedy", "N/A"]);
            assert_eq!(labels(&dataset), [[Some(false), Some(true)]]);
        }
        Ok(())
    }

    #[test]
    fn genres_are_matched_by_name() -> Result<()> {
        let dataset = dataset("Id,Noir,Drama,Comedy\na,1,1,0\n")?;
        let genres = ["Comedy", "Western", "Drama"].map(String::from);
        assert_eq!(dataset.lacks(&genres), ["Western"]);
        let dataset = dataset.with_genres(&genres);
        assert_eq!(labels(&dataset), [[Some(false), None, Some(true)]]);
        Ok(())
    }
}
