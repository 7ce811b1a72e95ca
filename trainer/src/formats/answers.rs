//! Answers: the probabilities of some posters, made by any program and stored in a file.
//!
//! | file | contents |
//! |---|---|
//! | `.csv` | a column `id`, and one column of probabilities per genre |
//! | `.parquet` | the same columns |
//! | `.safetensors` | a tensor `probabilities`, `[posters, genres]`; metadata `ids`, `genres` and, if known, `thresholds`, each a JSON array |

mod csv_file;
mod safetensors_file;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use marquee::bundle::write_atomically;

use super::parquet;
use super::table_format::TableFormat;

/// Probabilities by poster and genre.
#[derive(Debug, PartialEq)]
pub(crate) struct Answers {
    /// In column order; each occurs once.
    pub(crate) genres: Vec<String>,
    /// In row order; each occurs once.
    pub(crate) ids: Vec<String>,
    /// `[ids][genres]`, each 0..=1.
    pub(crate) probabilities: Vec<Vec<f32>>,
    /// Probability from which on each genre counts as predicted; `None` if the file does not say.
    pub(crate) thresholds: Option<Vec<f32>>,
}

/// What the files hold, for messages.
const CONTENTS: &str = "answers";

impl Answers {
    /// Returns whether the file name is that of answers.
    pub(crate) fn is_file_name(path: &Path) -> bool {
        TableFormat::of(path, CONTENTS).is_ok()
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the file and the row or the tensor: an id or a genre that occurs twice, a missing cell, or a value that is
    /// not a probability.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || {
            let answers = TableFormat::of(path, CONTENTS)?.read(
                path,
                csv_file::read,
                safetensors_file::read,
            )?;
            answers.check()?;
            anyhow::Ok(answers)
        };
        read().with_context(|| path.display().to_string())
    }

    /// Writes a file, by rename. Only safetensors files keep the thresholds.
    ///
    /// # Errors
    /// The name has another ending, an id occurs twice, or the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let write = || {
            let format = TableFormat::of(path, CONTENTS)?;
            self.check()?;
            let bytes = match format {
                TableFormat::Csv => csv_file::encode(self)?,
                TableFormat::Parquet => {
                    let rows = self.ids.iter().zip(&self.probabilities);
                    let rows =
                        rows.map(|(id, row)| (id.as_str(), row.iter().map(|p| Some(*p)).collect()));
                    parquet::encode(&self.genres, rows)?
                }
                TableFormat::Safetensors => safetensors_file::encode(self)?,
            };
            anyhow::Ok(write_atomically(path, &bytes)?)
        };
        write().with_context(|| path.display().to_string())
    }

    /// Returns the row of each id.
    pub(crate) fn by_id(&self) -> HashMap<&str, &[f32]> {
        let rows = self.probabilities.iter().map(Vec::as_slice);
        self.ids.iter().map(String::as_str).zip(rows).collect()
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.ids.is_empty(), "there are no answers");
        ensure!(!self.genres.is_empty(), "there are no genres");
        if let Some(twice) = first_repeated(&self.genres) {
            bail!("the genre {twice:?} occurs twice");
        }
        if let Some(twice) = first_repeated(&self.ids) {
            bail!("the id {twice:?} occurs twice");
        }
        for (id, row) in self.ids.iter().zip(&self.probabilities) {
            for (genre, probability) in self.genres.iter().zip(row) {
                // False for NaN too.
                ensure!(
                    (0.0..=1.0).contains(probability),
                    "id {id}, genre {genre}: {probability} is not a probability, 0 to 1"
                );
            }
        }
        Ok(())
    }
}

fn first_repeated(names: &[String]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    names.iter().map(String::as_str).find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use super::*;

    fn answers() -> Answers {
        Answers {
            genres: vec!["Comedy".into(), "Science \"Fiction\", old".into()],
            ids: vec!["tt1".into(), "tt2".into()],
            probabilities: vec![vec![0.1, 1.0], vec![0.123_456_79, 0.0]],
            thresholds: Some(vec![0.25, 0.5]),
        }
    }

    /// Writes a file of this name and returns the error of reading it.
    fn error(name: &str, contents: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let error = format!("{:#}", Answers::read(&path).unwrap_err());
        assert!(error.contains(name), "{error}");
        error
    }

    #[test]
    fn all_formats_return_what_was_written_to_the_last_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answers.safetensors");
        answers().write(&path).unwrap();
        assert_eq!(Answers::read(&path).unwrap(), answers());
        for name in ["answers.csv", "answers.parquet"] {
            let path = dir.path().join(name);
            answers().write(&path).unwrap();
            let read = Answers::read(&path).unwrap();
            assert_eq!(read, Answers { thresholds: None, ..answers() }, "{name}");
        }
    }

    #[test]
    fn a_csv_of_a_spreadsheet_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "\u{feff}Drama, ID\r\n0.5, tt1\r\n1e-3, tt2\r\n").unwrap();
        let answers = Answers::read(&path).unwrap();
        assert_eq!(
            (answers.genres, answers.ids),
            (vec!["Drama".into()], vec!["tt1".into(), "tt2".into()])
        );
        assert_eq!(answers.probabilities, [[0.5], [0.001]]);
    }

    #[test]
    fn a_bad_csv_is_refused_with_its_row_and_column() {
        let error = |text: &str| error("a.csv", text.as_bytes());
        assert!(error("id,Drama\ntt1,0.5\ntt2,1.5\n").contains("id tt2, genre Drama: 1.5 is not"));
        assert!(error("id,Drama\ntt1,NaN\n").contains("id tt1, genre Drama: NaN is not"));
        assert!(error("id,Drama\ntt1,often\n").contains("row 2, column Drama: \"often\" is not"));
        assert!(error("id,Drama\ntt1,\n").contains("row 2, column Drama: \"\" is not"));
        assert!(error("id,Drama\ntt1,0\ntt1,0\n").contains("the id \"tt1\" occurs twice"));
        assert!(error("id,Drama,Drama\ntt1,0,0\n").contains("the genre \"Drama\" occurs twice"));
        assert!(error("name,Drama\ntt1,0\n").contains("there is no column id"));
        assert!(error("id,Drama\n").contains("there are no answers"));
        assert!(error("id\ntt1\n").contains("there are no genres"));
        assert!(error("id,Drama\ntt1,0,0\n").contains("row"));
    }

    #[test]
    fn a_bad_parquet_file_is_refused_with_what_is_wrong() {
        assert!(error("a.parquet", b"PAR1").contains("not a Parquet file"));
        let row = ("tt1", vec![Some(1.5)]);
        let bytes = parquet::encode(&["Drama".into()], [row].into_iter()).unwrap();
        assert!(error("a.parquet", &bytes).contains("id tt1, genre Drama: 1.5 is not"));
        assert!(error("a.parquet", &bytes[..bytes.len() - 9]).contains("not a Parquet file"));
    }

    #[test]
    fn a_bad_safetensors_file_is_refused_with_what_is_wrong() {
        assert!(error("a.safetensors", b"PK").contains("not a safetensors file"));
        assert!(error("a.arrow", b"ARROW1").contains(".csv, .parquet or .safetensors"));
        let other =
            safetensors::serialize(Vec::<(&str, safetensors::tensor::TensorView)>::new(), None);
        assert!(error("a.safetensors", &other.unwrap()).contains("no tensor \"probabilities\""));
        let mut fewer = answers();
        fewer.ids.push("tt3".into());
        let bytes = safetensors_file::encode(&fewer).unwrap();
        let message = error("a.safetensors", &bytes);
        assert!(message.contains("[2, 2]") && message.contains("3 ids"), "{message}");
    }
}
