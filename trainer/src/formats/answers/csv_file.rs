//! Answers as CSV: a column `id`, and one column of probabilities per genre.

use anyhow::{Context, Result};

use super::Answers;

/// Reads the bytes of a CSV. The values are not yet checked.
pub(super) fn read(bytes: &[u8]) -> Result<Answers> {
    // Spreadsheets begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers()?.clone();
    let is_id = |column: &str| column.eq_ignore_ascii_case("id");
    let id_column = header.iter().position(is_id).context("there is no column id")?;
    let genre_columns: Vec<(usize, &str)> =
        header.iter().enumerate().filter(|(column, _)| *column != id_column).collect();

    let (mut ids, mut probabilities) = (Vec::new(), Vec::new());
    for (index, record) in reader.records().enumerate() {
        let row = index + 2;
        let record = record.with_context(|| format!("row {row}"))?;
        ids.push(record.get(id_column).unwrap_or_default().to_owned());
        let cells = genre_columns.iter().map(|&(column, genre)| {
            let cell = record.get(column).unwrap_or_default();
            cell.parse::<f32>()
                .with_context(|| format!("row {row}, column {genre}: {cell:?} is not a number"))
        });
        probabilities.push(cells.collect::<Result<_>>()?);
    }
    let genres = genre_columns.iter().map(|&(_, genre)| genre.to_owned()).collect();
    Ok(Answers { genres, ids, probabilities, thresholds: None })
}

/// Returns the bytes of a CSV. Each probability has as many digits as it takes to read it back unchanged.
pub(super) fn encode(answers: &Answers) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(std::iter::once("id").chain(answers.genres.iter().map(String::as_str)))?;
    for (id, row) in answers.ids.iter().zip(&answers.probabilities) {
        let cells = row.iter().map(f32::to_string);
        writer.write_record(std::iter::once(id.clone()).chain(cells))?;
    }
    Ok(writer.into_inner()?)
}
