//! Writes probabilities as a Parquet file.

use std::sync::Arc;

use anyhow::{Result, bail};
use parquet::basic::{Compression, ConvertedType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// Returns a Parquet file with a column `id`, and one column of floats per genre; `None` becomes null. Each row has as
/// many probabilities as there are genres.
pub(crate) fn encode<'a>(
    genres: &[String],
    rows: impl Iterator<Item = (&'a str, Vec<Option<f32>>)>,
) -> Result<Vec<u8>> {
    let (ids, probabilities): (Vec<ByteArray>, Vec<Vec<Option<f32>>>) =
        rows.map(|(id, row)| (ByteArray::from(id), row)).unzip();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema(genres)?), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    let mut genre = 0;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(column) => {
                column.write_batch(&ids, None, None)?;
            }
            ColumnWriter::FloatColumnWriter(column) => {
                let values = probabilities.iter().map(|row| row[genre]);
                let defined: Vec<i16> =
                    values.clone().map(|value| i16::from(value.is_some())).collect();
                let values: Vec<f32> = values.flatten().collect();
                column.write_batch(&values, Some(&defined), None)?;
                genre += 1;
            }
            _ => bail!("a column is neither text nor floats"),
        }
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

fn schema(genres: &[String]) -> Result<Type> {
    let id = Type::primitive_type_builder("id", PhysicalType::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_converted_type(ConvertedType::UTF8)
        .build()?;
    let mut fields = vec![Arc::new(id)];
    for genre in genres {
        let genre = Type::primitive_type_builder(genre, PhysicalType::FLOAT)
            .with_repetition(Repetition::OPTIONAL)
            .build()?;
        fields.push(Arc::new(genre));
    }
    Ok(Type::group_type_builder("schema").with_fields(fields).build()?)
}
