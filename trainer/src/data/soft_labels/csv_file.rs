//! Soft labels as CSV.

use anyhow::{Context, Result, anyhow};

use super::SoftLabelTable;

pub(super) fn read(bytes: &[u8]) -> Result<SoftLabelTable> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers()?.clone();
    let id_column = header
        .iter()
        .position(|name| name.eq_ignore_ascii_case("id"))
        .context("row 1: there is no column id")?;
    let columns: Vec<(usize, &str)> = header
        .iter()
        .enumerate()
        .filter(|&(column, name)| column != id_column && name != "View")
        .collect();
    let mut table = SoftLabelTable {
        genres: columns.iter().map(|(_, name)| (*name).to_owned()).collect(),
        rows: Vec::new(),
    };
    for (index, record) in reader.records().enumerate() {
        let record = record?;
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        let probability = |&(column, name): &(usize, &str)| match cell(column) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| anyhow!("row {}, column {name}: {text:?} is not a number", index + 2)),
        };
        let row = columns.iter().map(probability).collect::<Result<_>>()?;
        table.rows.push((cell(id_column).to_owned(), row));
    }
    Ok(table)
}

pub(super) fn encode(table: &SoftLabelTable) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(std::iter::once("id").chain(table.genres.iter().map(String::as_str)))?;
    for (id, row) in &table.rows {
        let cell = |value: &Option<f32>| value.map_or(String::new(), |value| value.to_string());
        writer.write_record(std::iter::once(id.clone()).chain(row.iter().map(cell)))?;
    }
    Ok(writer.into_inner()?)
}
