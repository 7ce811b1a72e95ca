//! Soft labels: the teachers' probabilities of each poster's genres, and the files that hold them.
//!
//! | file | contents |
//! |---|---|
//! | `.csv` | a column `id` or `Id`, and one column of probabilities per genre; an empty cell is unknown |
//! | `.parquet` | the same columns; null is unknown |
//! | `.safetensors` | a tensor `probabilities`, `[posters, genres]`; metadata `ids` and `genres`, each a JSON array |
//!
//! Several rows of one id, such as a poster and its mirror image, are averaged. A column `View` is ignored.

mod csv_file;
mod safetensors_file;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use marquee::bundle::write_atomically;

use crate::formats::parquet;
use crate::formats::table_format::TableFormat;

/// The probability of each genre by poster id; `None` where there is none. Several values are averaged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SoftLabels {
    means: HashMap<String, Vec<Mean>>,
}

/// A running mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Mean {
    sum: f32,
    count: u16,
}

impl Mean {
    fn value(self) -> Option<f32> {
        (self.count > 0).then(|| self.sum / f32::from(self.count))
    }
}

impl SoftLabels {
    /// Adds the probabilities of a poster, one per genre. Those of an id that is already there are averaged.
    pub(crate) fn add(&mut self, id: &str, probabilities: &[Option<f32>]) {
        let blank = || vec![Mean::default(); probabilities.len()];
        let means = self.means.entry(id.to_owned()).or_insert_with(blank);
        for (mean, probability) in means.iter_mut().zip(probabilities) {
            if let Some(probability) = probability {
                mean.sum += probability;
                mean.count += 1;
            }
        }
    }

    /// Adds another teacher's soft labels. Each teacher counts once, however often it saw a poster.
    pub(crate) fn add_teacher(&mut self, teacher: &Self) {
        for id in teacher.means.keys() {
            let probabilities: Vec<_> = teacher.of(id).collect();
            self.add(id, &probabilities);
        }
    }

    /// Returns the mean probability of each genre of a poster; nothing if the id is unknown.
    pub(crate) fn of(&self, id: &str) -> impl Iterator<Item = Option<f32>> {
        self.means.get(id).into_iter().flatten().map(|mean| mean.value())
    }

    /// Returns the number of posters.
    pub(crate) fn len(&self) -> usize {
        self.means.len()
    }
}

/// The contents of a file of soft labels.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SoftLabelTable {
    /// In column order.
    pub(crate) genres: Vec<String>,
    /// Ids and probabilities, in row order; ids may repeat.
    pub(crate) rows: Vec<(String, Vec<Option<f32>>)>,
}

impl SoftLabelTable {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the file, and the row or the tensor that is wrong.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || {
            let table = TableFormat::of(path, CONTENTS)?.read(
                path,
                csv_file::read,
                safetensors_file::read,
            )?;
            table.check()?;
            anyhow::Ok(table)
        };
        read().with_context(|| path.display().to_string())
    }

    /// Writes a file, by rename.
    ///
    /// # Errors
    /// The name has another ending, or the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let write = || {
            let bytes = match TableFormat::of(path, CONTENTS)? {
                TableFormat::Csv => csv_file::encode(self)?,
                TableFormat::Parquet => {
                    let rows = self.rows.iter().map(|(id, row)| (id.as_str(), row.clone()));
                    parquet::encode(&self.genres, rows)?
                }
                TableFormat::Safetensors => safetensors_file::encode(self)?,
            };
            anyhow::Ok(write_atomically(path, &bytes)?)
        };
        write().with_context(|| path.display().to_string())
    }

    /// Returns the soft labels of `genres`, matched by name, and the names that the file lacks.
    pub(crate) fn of_genres(&self, genres: &[String]) -> (SoftLabels, Vec<String>) {
        let column = |genre: &String| self.genres.iter().position(|other| other == genre);
        let columns: Vec<Option<usize>> = genres.iter().map(column).collect();
        let mut soft_labels = SoftLabels::default();
        for (id, row) in &self.rows {
            let probabilities: Vec<_> = columns.iter().map(|column| row[(*column)?]).collect();
            soft_labels.add(id, &probabilities);
        }
        let missing = genres.iter().filter(|genre| column(genre).is_none()).cloned().collect();
        (soft_labels, missing)
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.genres.is_empty(), "there is no genre");
        ensure!(!self.rows.is_empty(), "there is no row");
        for (index, genre) in self.genres.iter().enumerate() {
            ensure!(!self.genres[..index].contains(genre), "the genre {genre:?} occurs twice");
        }
        for (id, row) in &self.rows {
            for (genre, probability) in self.genres.iter().zip(row) {
                let Some(probability) = probability else { continue };
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

/// What the files hold, for messages.
const CONTENTS: &str = "soft labels";

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> SoftLabelTable {
        SoftLabelTable {
            genres: vec!["Comedy".into(), "Science \"Fiction\", old".into()],
            rows: vec![
                ("tt1".into(), vec![Some(0.1), Some(1.0)]),
                ("tt2".into(), vec![Some(0.123_456_79), None]),
                ("tt1".into(), vec![Some(0.3), None]),
            ],
        }
    }

    fn read(name: &str, contents: &[u8]) -> Result<SoftLabelTable> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join(name);
        std::fs::write(&path, contents)?;
        SoftLabelTable::read(&path)
    }

    fn error(name: &str, contents: &[u8]) -> String {
        let error =
            read(name, contents).map_or_else(|error| format!("{error:#}"), |_| String::new());
        assert!(error.contains(name), "{error:?}");
        error
    }

    #[test]
    fn all_formats_return_what_was_written() -> Result<()> {
        let dir = tempfile::tempdir()?;
        for name in ["soft.csv", "soft.parquet", "soft.safetensors"] {
            let path = dir.path().join(name);
            table().write(&path)?;
            assert_eq!(SoftLabelTable::read(&path)?, table(), "{name}");
        }
        Ok(())
    }

    #[test]
    fn several_rows_of_one_id_are_averaged_not_summed() {
        let genres = ["Science \"Fiction\", old", "News", "Comedy"].map(String::from);
        let (soft_labels, missing) = table().of_genres(&genres);
        assert_eq!(missing, ["News"]);
        let first: Vec<_> = soft_labels.of("tt1").collect();
        assert_eq!(first, [Some(1.0), None, Some(0.2)]);
        assert_eq!(soft_labels.of("tt3").count(), 0);
    }

    #[test]
    fn each_teacher_counts_once() {
        let (mut one, mut other) = (SoftLabels::default(), SoftLabels::default());
        for probability in [0.1, 0.3] {
            one.add("a", &[Some(probability), Some(0.5)]);
        }
        other.add("a", &[Some(0.8), None]);
        other.add("b", &[Some(0.4), Some(0.6)]);
        let mut mean = SoftLabels::default();
        mean.add_teacher(&one);
        mean.add_teacher(&other);
        assert_eq!(mean.of("a").collect::<Vec<_>>(), [Some(0.5), Some(0.5)]);
        assert_eq!(mean.of("b").collect::<Vec<_>>(), [Some(0.4), Some(0.6)]);
        assert_eq!(mean.len(), 2);
    }

    #[test]
    fn a_column_of_views_is_no_genre() -> Result<()> {
        let table = read("soft.csv", b"Id,View,Drama\ntt1,0,0.25\ntt1,1,0.75\n")?;
        assert_eq!(table.genres, ["Drama"]);
        let (soft_labels, _) = table.of_genres(&["Drama".into()]);
        assert_eq!(soft_labels.of("tt1").collect::<Vec<_>>(), [Some(0.5)]);
        Ok(())
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let error_of = |text: &str| error("a.csv", text.as_bytes());
        assert!(
            error_of("id,Drama\ntt1,0.5\ntt2,1.5\n").contains("id tt2, genre Drama: 1.5 is not")
        );
        assert!(error_of("id,Drama\ntt1,NaN\n").contains("id tt1, genre Drama: NaN is not"));
        assert!(
            error_of("id,Drama\ntt1,often\n").contains("row 2, column Drama: \"often\" is not")
        );
        assert!(error_of("name,Drama\ntt1,0\n").contains("there is no column id"));
        assert!(error_of("id,Drama,Drama\ntt1,0,0\n").contains("\"Drama\" occurs twice"));
        assert!(error_of("id,Drama\n").contains("there is no row"));
        assert!(error("a.safetensors", b"PK").contains("not a safetensors file"));
        assert!(error("a.arrow", b"ARROW1").contains(".csv, .parquet or .safetensors"));
        assert!(error("a.parquet", b"PAR1").contains("not a Parquet file"));
    }
}
