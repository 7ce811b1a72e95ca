//! True genres, in the layout of the Kaggle set: a CSV with the columns Id and Genre and one 0/1 column a
//! genre. The trainer learns from such a table; the page judges its answers by one.

use std::io::Read;

use serde::Serialize;

use crate::error::{Error, Result};

/// The rows of a `train.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// Genres in the order of their columns.
    pub genres: Vec<String>,
    /// Rows in the order of the file. An id may come twice.
    pub rows: Vec<Row>,
}

/// A labelled poster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its id: the name of its image without the extension.
    pub id: String,
    /// Whether it has each genre, in the order of [`Labels::genres`].
    pub labels: Vec<bool>,
}

impl Labels {
    /// Reads a table, at most `limit` rows of it.
    ///
    /// # Errors
    /// [`Error::Labels`], with the row as a spreadsheet counts it, the header being row 1.
    pub fn read(csv: impl Read, limit: Option<usize>) -> Result<Self> {
        let wrong = |row: usize, reason: String| Error::Labels { row, reason };
        let mut reader = csv::Reader::from_reader(csv);
        let header = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
        let id_column = header
            .iter()
            .position(|column| column == "Id")
            .ok_or_else(|| wrong(1, "there is no column Id".into()))?;
        let genre_columns: Vec<(usize, &str)> = header
            .iter()
            .enumerate()
            .filter(|&(column, name)| column != id_column && name != "Genre")
            .collect();
        if genre_columns.is_empty() {
            return Err(wrong(1, "there is no column for a genre".into()));
        }

        let mut rows = Vec::new();
        for (index, record) in reader.records().take(limit.unwrap_or(usize::MAX)).enumerate() {
            let row = index + 2;
            let record = record.map_err(|error| wrong(row, error.to_string()))?;
            let id = record.get(id_column).unwrap_or_default().trim().to_owned();
            // An id becomes a file's name; it must not lead out of the folder.
            if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\']) {
                return Err(wrong(row, format!("the Id {id:?} cannot name an image")));
            }
            let mut labels = Vec::with_capacity(genre_columns.len());
            for &(column, name) in &genre_columns {
                labels.push(match record.get(column).unwrap_or_default().trim() {
                    "0" => false,
                    "1" => true,
                    other => {
                        let reason = format!("column {name}: {other:?} is neither 0 nor 1");
                        return Err(wrong(row, reason));
                    }
                });
            }
            rows.push(Row { id, labels });
        }
        if rows.is_empty() {
            return Err(wrong(2, "there is no row below the header".into()));
        }
        let genres = genre_columns.iter().map(|&(_, name)| name.to_owned()).collect();
        Ok(Self { genres, rows })
    }
}
