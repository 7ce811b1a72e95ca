//! True genres from a CSV, from which the trainer learns and with which the page compares predictions.

use std::io::Read;

use serde::Serialize;

use crate::error::{Error, Result};

/// The rows of a `train.csv`, in the layout of Kaggle's `raman77768/movie-classifier`: a column `Id`, optionally a
/// column `Genre` (ignored), and one column per genre with 1 (present), 0 (absent) or nothing (unknown).
///
/// ```
/// let labels = marquee::Labels::read(&b"Id,Comedy,Drama,News\ntt0080684,0,1,\n"[..], None)?;
/// assert_eq!(labels.genres, ["Comedy", "Drama", "News"]);
/// assert_eq!(labels.rows[0].labels, [Some(false), Some(true), None]);
/// # Ok::<(), marquee::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// Genres in the order of their columns.
    pub genres: Vec<String>,
    /// Rows in the order of the file. Ids are not necessarily unique.
    pub rows: Vec<LabelRow>,
}

/// Whether a poster has a genre; `None` if that is unknown. Unknown labels neither train nor count in a metric.
pub type Label = Option<bool>;

/// A labelled poster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelRow {
    /// The poster's id: the name of its image file without the extension.
    pub id: String,
    /// Whether the poster has each genre, in the order of [`Labels::genres`].
    pub labels: Vec<Label>,
}

impl LabelRow {
    /// Returns whether the poster is known to have the genre with this index.
    pub fn has(&self, genre: usize) -> bool {
        self.labels.get(genre) == Some(&Some(true))
    }

    /// Returns the number of genres whose label is unknown.
    pub fn unknown(&self) -> usize {
        self.labels.iter().filter(|label| label.is_none()).count()
    }
}

impl Labels {
    /// Returns whether a text can be an id. It becomes a file name, which must not point outside its folder.
    pub fn is_id(text: &str) -> bool {
        !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\'])
    }

    /// Reads a table, or its first `limit` rows.
    ///
    /// # Errors
    /// [`Error::Labels`] if a column is missing, a cell is neither 0, 1 nor empty, an id is not a plain file name, or there
    /// is no row.
    pub fn read(csv: impl Read, limit: Option<usize>) -> Result<Self> {
        let invalid = |row: usize, reason: String| Error::Labels { row, reason };
        let mut reader = csv::Reader::from_reader(csv);
        let header = reader.headers().map_err(|error| invalid(1, error.to_string()))?.clone();
        let id_column = header
            .iter()
            .position(|column| column == "Id")
            .ok_or_else(|| invalid(1, "there is no column Id".into()))?;
        let genre_columns: Vec<(usize, &str)> = header
            .iter()
            .enumerate()
            .filter(|&(column, name)| column != id_column && name != "Genre")
            .collect();
        if genre_columns.is_empty() {
            return Err(invalid(1, "there is no genre column".into()));
        }

        let mut rows = Vec::new();
        for (index, record) in reader.records().take(limit.unwrap_or(usize::MAX)).enumerate() {
            let row = index + 2;
            let record = record.map_err(|error| invalid(row, error.to_string()))?;
            let id = record.get(id_column).unwrap_or_default().trim().to_owned();
            if !Self::is_id(&id) {
                return Err(invalid(row, format!("the Id {id:?} is not a plain file name")));
            }
            let mut labels = Vec::with_capacity(genre_columns.len());
            for &(column, name) in &genre_columns {
                labels.push(match record.get(column).unwrap_or_default().trim() {
                    "0" => Some(false),
                    "1" => Some(true),
                    "" => None,
                    other => {
                        let reason = format!(
                            "column {name}: {other:?} is neither 0 nor 1; leave the cell empty if \
                             it is unknown"
                        );
                        return Err(invalid(row, reason));
                    }
                });
            }
            rows.push(LabelRow { id, labels });
        }
        if rows.is_empty() {
            return Err(invalid(2, "there is no row below the header".into()));
        }
        let genres = genre_columns.iter().map(|&(_, name)| name.to_owned()).collect();
        Ok(Self { genres, rows })
    }
}
