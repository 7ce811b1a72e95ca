//! Tables in Parquet files: one file, or a folder of parts. Their columns are those of the project's CSV files.

mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

pub(crate) use write::encode;

const EXTENSION: &str = "parquet";

/// A table whose parts are read one after another.
pub(crate) struct Table {
    parts: Vec<PathBuf>,
    /// Of the first part.
    schema: Arc<Type>,
    /// Rows of all parts together.
    pub(crate) rows: usize,
}

impl Table {
    /// Returns whether a path names a table: a file that ends in `.parquet`, or a folder that contains such files.
    pub(crate) fn is_named_by(path: &Path) -> bool {
        if path.is_dir() {
            return parts(path).is_ok_and(|parts| !parts.is_empty());
        }
        has_extension(path)
    }

    /// Opens the table at `path` and reads the metadata of each part.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let parts = if path.is_dir() { parts(path)? } else { vec![path.to_owned()] };
        let mut schema = None;
        let mut rows = 0;
        for part in &parts {
            let reader = open(part)?;
            let metadata = reader.metadata().file_metadata();
            rows += metadata.num_rows() as usize;
            schema.get_or_insert_with(|| metadata.schema_descr().root_schema_ptr());
        }
        let schema =
            schema.with_context(|| format!("{}: there is no .parquet file", path.display()))?;
        Ok(Self { parts, schema, rows })
    }

    /// Returns the names of all columns.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.schema.get_fields().iter().map(|field| field.name().to_owned()).collect()
    }

    /// Returns the names of the columns that hold one number, truth value or text a row. Indexes of pandas are left out.
    pub(crate) fn plain_columns(&self) -> Vec<String> {
        let fields = self.schema.get_fields().iter().filter(|field| is_plain(field));
        let names = fields.map(|field| field.name().to_owned());
        names.filter(|name| !name.starts_with("__index_level_")).collect()
    }

    /// Calls `take` with the values of these columns, in this order, for each row.
    ///
    /// # Errors
    /// Names the part that lacks a column or cannot be read; those of `take`.
    pub(crate) fn for_each_row(
        &self,
        columns: &[String],
        mut take: impl FnMut(Vec<Field>) -> Result<()>,
    ) -> Result<()> {
        for part in &self.parts {
            let name = || part.display().to_string();
            for row in rows(open(part)?, columns).with_context(name)? {
                let row = row.with_context(name)?;
                take(in_order(row, columns))?;
            }
        }
        Ok(())
    }

    /// Returns the plain columns as a CSV.
    ///
    /// # Errors
    /// A part cannot be read.
    pub(crate) fn to_csv(&self) -> Result<Vec<u8>> {
        let columns = self.plain_columns();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&columns)?;
        self.for_each_row(&columns, |row| Ok(writer.write_record(row.iter().map(cell))?))?;
        Ok(writer.into_inner()?)
    }
}

/// Returns a plain value as the cell of a CSV; a missing one is empty.
pub(crate) fn cell(value: &Field) -> String {
    match value {
        Field::Null => String::new(),
        Field::Bool(value) => u8::from(*value).to_string(),
        Field::Str(text) => text.clone(),
        // The shortest number that reads back unchanged.
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// Returns the files of a folder that end in `.parquet`, sorted by name.
fn parts(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for entry in dir.read_dir().with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if has_extension(&path) {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

fn has_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    SerializedFileReader::new(file)
        .with_context(|| format!("{}: this is not a Parquet file", path.display()))
}

/// Iterates over the rows of a file, of which only these columns are read.
fn rows(reader: SerializedFileReader<File>, columns: &[String]) -> Result<RowIter<'static>> {
    let schema = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
    let field = |name: &String| schema.get_fields().iter().find(|field| field.name() == name);
    if let Some(missing) = columns.iter().find(|name| field(name).is_none()) {
        let found: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        anyhow::bail!("there is no column {missing:?}; the columns are {}", found.join(", "));
    }
    let fields =
        schema.get_fields().iter().filter(|field| columns.iter().any(|name| name == field.name()));
    let projection =
        Type::group_type_builder(schema.name()).with_fields(fields.cloned().collect()).build()?;
    ensure!(!columns.is_empty(), "no column is asked for");
    Ok(RowIter::from_file_into(Box::new(reader)).project(Some(projection))?)
}

/// Returns the values of a row in the order of `columns`, not in that of the file.
fn in_order(row: Row, columns: &[String]) -> Vec<Field> {
    let mut values: Vec<(String, Field)> = row.into_columns();
    let mut value = |name: &String| {
        let index = values.iter().position(|(column, _)| column == name);
        index.map_or(Field::Null, |index| values.swap_remove(index).1)
    };
    columns.iter().map(&mut value).collect()
}

/// Whether a column holds one value a row that is no blob.
fn is_plain(field: &Type) -> bool {
    if !field.is_primitive() {
        return false;
    }
    let text = [ConvertedType::UTF8, ConvertedType::ENUM, ConvertedType::JSON];
    match field.get_physical_type() {
        PhysicalType::BYTE_ARRAY => text.contains(&field.get_basic_info().converted_type()),
        PhysicalType::FIXED_LEN_BYTE_ARRAY | PhysicalType::INT96 => false,
        _ => true,
    }
}
