//! Unpacks a Parquet table of labelled posters into the folder that [`Dataset`](super::dataset::Dataset) reads.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use image::ImageFormat;
use marquee::bundle::write_atomically;
use marquee::metrics::Labels;
use parquet::record::Field;

use crate::formats::parquet::{Table, cell};
use crate::progress::Ticker;

/// The columns that are no genres.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// Ids, which name the image files.
    pub(crate) id: &'a str,
    /// Bytes of image files, or structs with a field `bytes`.
    pub(crate) image: &'a str,
}

impl Columns<'static> {
    /// Those of a table for which no others are named.
    pub(crate) const DEFAULT: Self = Self { id: "id", image: "image" };
}

/// Writes the images of a table to `out/Images/`, and then its ids and genres to `out/train.csv`: a folder with that
/// file is complete. Images that are already there, of the same length, are not written again.
///
/// Columns whose values are all 0, 1, true, false or null become genres. A row without an image stays without one.
///
/// # Errors
/// The table cannot be read or lacks a column; an id is not a plain file name, or its image has another format than JPEG,
/// PNG and WebP; there is no genre; a file cannot be written.
pub(crate) fn unpack(path: &Path, out: &Path, columns: Columns<'_>) -> Result<()> {
    let table = Table::open(path)?;
    let all = table.columns();
    for (option, name) in [("--id", columns.id), ("--image", columns.image)] {
        ensure!(
            all.iter().any(|column| column == name),
            "{}: there is no column {name:?}; {option} names another one of {}",
            path.display(),
            all.join(", ")
        );
    }
    let images = out.join("Images");
    std::fs::create_dir_all(&images).with_context(|| images.display().to_string())?;

    let others = table.plain_columns();
    let others =
        others.into_iter().filter(|name| ![columns.id, columns.image].contains(&name.as_str()));
    let mut labels: Vec<LabelColumn> = others.map(LabelColumn::new).collect();
    let mut wanted = vec![columns.id.to_owned(), columns.image.to_owned()];
    wanted.extend(labels.iter().map(|column| column.name.clone()));

    let ticker = Ticker::new("unpacking posters", table.rows);
    let mut ids = Vec::new();
    table.for_each_row(&wanted, |row| {
        let row_number = ids.len() + 1;
        let mut row = row.into_iter();
        let id = row.next().map(|id| cell(&id)).unwrap_or_default();
        let write = |image| write_image(&images, &id, image);
        write(row.next().unwrap_or(Field::Null))
            .with_context(|| format!("{}, row {row_number}", path.display()))?;
        labels.iter_mut().zip(row).for_each(|(column, value)| column.push(&value));
        ids.push(id);
        ticker.tick(ids.len());
        Ok(())
    })?;
    ticker.finish();

    let (genres, ignored): (Vec<_>, Vec<_>) = labels.iter().partition(|column| column.is_genre);
    let names = |columns: &[&LabelColumn]| {
        columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if !ignored.is_empty() {
        println!("columns that are no genres, ignored: {}", names(&ignored));
    }
    ensure!(
        !genres.is_empty(),
        "{}: no column is a genre: the values of a genre are 0, 1, true, false or null",
        path.display()
    );
    write_csv(&out.join("train.csv"), &ids, &genres)?;
    println!("{} posters with {} genres unpacked to {}", ids.len(), genres.len(), out.display());
    Ok(())
}

/// A column that may be a genre.
struct LabelColumn {
    name: String,
    /// Whether every value so far was a label.
    is_genre: bool,
    /// Cells of the CSV; empty once it is no genre.
    cells: Vec<&'static str>,
}

impl LabelColumn {
    fn new(name: String) -> Self {
        Self { name, is_genre: true, cells: Vec::new() }
    }

    fn push(&mut self, value: &Field) {
        let label = match cell(value).as_str() {
            "0" => "0",
            "1" => "1",
            "" if matches!(value, Field::Null) => "",
            _ => {
                self.is_genre = false;
                self.cells = Vec::new();
                return;
            }
        };
        if self.is_genre {
            self.cells.push(label);
        }
    }
}

/// Writes the image of a row, unless it is missing or already there.
fn write_image(images: &Path, id: &str, image: Field) -> Result<()> {
    ensure!(Labels::is_id(id), "the id {id:?} is not a plain file name");
    let bytes = match image {
        Field::Null => return Ok(()),
        Field::Bytes(bytes) => bytes,
        // As data sets of Hugging Face store images.
        Field::Group(image) => {
            let field = image.into_columns().into_iter().find(|(name, _)| name == "bytes");
            match field {
                Some((_, Field::Bytes(bytes))) => bytes,
                Some((_, Field::Null)) => return Ok(()),
                _ => bail!("the image of {id} is a struct without a field \"bytes\""),
            }
        }
        _ => bail!("the image of {id} is not stored as bytes"),
    };
    let path =
        images.join(format!("{id}.{}", extension(bytes.data()).with_context(|| id.to_owned())?));
    let is_there = path.metadata().is_ok_and(|file| file.len() == bytes.len() as u64);
    if !is_there {
        write_atomically(&path, bytes.data())?;
    }
    Ok(())
}

/// Returns the ending of an image's file name.
fn extension(bytes: &[u8]) -> Result<&'static str> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok("jpg"),
        Ok(ImageFormat::Png) => Ok("png"),
        Ok(ImageFormat::WebP) => Ok("webp"),
        // Training reports it, or leaves it out.
        Err(_) => Ok("jpg"),
        Ok(other) => bail!("the image is {other:?}; posters are JPEG, PNG or WebP"),
    }
}

fn write_csv(path: &Path, ids: &[String], genres: &[&LabelColumn]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(
        std::iter::once("Id").chain(genres.iter().map(|genre| genre.name.as_str())),
    )?;
    for (row, id) in ids.iter().enumerate() {
        let cells = genres.iter().map(|genre| genre.cells[row]);
        writer.write_record(std::iter::once(id.as_str()).chain(cells))?;
    }
    Ok(write_atomically(path, &writer.into_inner()?)?)
}
