//! Posters in Parquet tables: `trainer unpack`, and tables as data of `trainer train`.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::synthetic_posters::{PosterFolder, failed, log, succeeded, trainer};

const SCHEMA: &str = "message posters {
    required binary title (UTF8);
    required binary id (UTF8);
    optional binary image;
    required boolean Comedy;
    optional int32 Drama;
    required double Horror;
    required int32 year;
}";

/// A row of a table.
#[derive(Clone)]
struct Row {
    id: String,
    image: Option<Vec<u8>>,
    comedy: bool,
    drama: Option<i32>,
    horror: f64,
}

/// Returns the posters of a folder; the label of the first drama is unknown.
fn rows(data: &PosterFolder) -> Vec<Row> {
    let csv = fs::read_to_string(data.path("train.csv")).unwrap();
    let mut rows: Vec<Row> = csv.lines().skip(1).map(|line| row(data, line)).collect();
    rows[0].drama = None;
    rows
}

fn row(data: &PosterFolder, line: &str) -> Row {
    let cells: Vec<&str> = line.split(',').collect();
    let id = cells[0].to_owned();
    let paths = ["png", "jpg", "jpeg", "webp"].map(|end| data.path(&format!("Images/{id}.{end}")));
    let image = paths.iter().find_map(|path| fs::read(path).ok());
    let label = |column: usize| cells[column].parse::<i32>().unwrap();
    Row { id, image, comedy: label(2) == 1, drama: Some(label(3)), horror: label(4).into() }
}

fn write(path: &Path, rows: &[Row]) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let texts = |text: fn(&Row) -> &str| -> Vec<ByteArray> {
        rows.iter().map(|row| ByteArray::from(text(row))).collect()
    };
    let images: Vec<ByteArray> =
        rows.iter().filter_map(|row| row.image.clone()).map(ByteArray::from).collect();
    let has_image: Vec<i16> = rows.iter().map(|row| i16::from(row.image.is_some())).collect();
    let dramas: Vec<i32> = rows.iter().filter_map(|row| row.drama).collect();
    let has_drama: Vec<i16> = rows.iter().map(|row| i16::from(row.drama.is_some())).collect();
    let comedies: Vec<bool> = rows.iter().map(|row| row.comedy).collect();
    let horrors: Vec<f64> = rows.iter().map(|row| row.horror).collect();
    let years = vec![1979; rows.len()];

    let mut group = file.next_row_group().unwrap();
    for column in 0.. {
        let Some(mut writer) = group.next_column().unwrap() else { break };
        match (column, writer.untyped()) {
            (0, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&texts(|_| "A film"), None, None).unwrap()
            }
            (1, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&texts(|row| &row.id), None, None).unwrap()
            }
            (2, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&images, Some(&has_image), None).unwrap()
            }
            (3, ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(&comedies, None, None).unwrap()
            }
            (4, ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(&dramas, Some(&has_drama), None).unwrap()
            }
            (5, ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(&horrors, None, None).unwrap()
            }
            (_, ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(&years, None, None).unwrap()
            }
            _ => unreachable!(),
        };
        writer.close().unwrap();
    }
    group.close().unwrap();
    file.close().unwrap();
}

#[test]
fn a_table_trains_as_the_same_posters_in_a_folder_do() {
    let data = PosterFolder::new();
    let rows = rows(&data);
    data.edit_csv("tt0000,\"['x']\",0,1,1", "tt0000,\"['x']\",0,,1");
    succeeded(data.train("of-folder", &["--epochs", "1"]));

    // A file, and a folder of parts.
    let file = data.path("all.parquet");
    write(&file, &rows);
    let parts = data.path("parts");
    fs::create_dir(&parts).unwrap();
    write(&parts.join("1.parquet"), &rows[..23]);
    write(&parts.join("2.parquet"), &rows[23..]);
    for (table, out) in [(&file, "of-file"), (&parts, "of-parts")] {
        let (run, config) = (data.path(out), data.path("config.toml"));
        let [table, run, config] = [table, &run, &config].map(|path| path.to_str().unwrap());
        let train = ["train", "--data", table, "--out", run, "--config", config, "--epochs", "1"];
        let printed = succeeded(trainer(&train).args(["--device", "cpu"]).output().unwrap());
        assert!(printed.contains("no genres, ignored: title, year"), "{printed}");
        assert!(printed.contains("60 posters with 3 genres unpacked"), "{printed}");
        assert_eq!(log(&data.path(out)), log(&data.path("of-folder")), "{out}");
        // A resumed run and its evaluation find the posters.
        let resume = ["train", "--resume", run, "--epochs", "2", "--device", "cpu"];
        succeeded(trainer(&resume).output().unwrap());
        succeeded(trainer(&["evaluate", "--run", run]).output().unwrap());
    }
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_row_or_column() {
    let data = PosterFolder::new();
    let (table, out) = (data.path("a.parquet"), data.path("out"));
    let [table_name, out_name] = [&table, &out].map(|path| path.to_str().unwrap());
    let unpack = |more: &[&str]| {
        trainer(&["unpack", table_name, "--out", out_name]).args(more).output().unwrap()
    };
    assert!(failed(unpack(&[])).contains("a.parquet: No such file"));
    fs::write(&table, "Id,Comedy\n").unwrap();
    assert!(failed(unpack(&[])).contains("a.parquet: this is not a Parquet file"));

    let mut rows = rows(&data);
    write(&table, &rows);
    let printed = failed(unpack(&["--image", "cover"]));
    assert!(
        printed.contains("no column \"cover\"; --image names another one of title, id,"),
        "{printed}"
    );
    let printed = failed(unpack(&["--image", "title"]));
    assert!(printed.contains("row 1: the image of tt0000 is not stored as bytes"), "{printed}");
    assert!(!out.join("train.csv").exists());

    for (id, part) in
        [("../up", "row 3: the id \"../up\" is not a plain file name"), ("", "row 3: the id \"\"")]
    {
        let bad = Row { id: id.into(), ..rows[2].clone() };
        write(&table, &[&rows[..2], &[bad]].concat());
        let printed = failed(unpack(&[]));
        assert!(printed.contains(part), "{printed}");
    }
    let gif = Row { image: Some(b"GIF89a".to_vec()), ..rows[2].clone() };
    write(&table, &[&rows[..2], &[gif]].concat());
    assert!(failed(unpack(&[])).contains("row 3: tt0002: the image is Gif"));

    // Missing and broken images are reported by the training, which can leave them out.
    rows[4].image = None;
    rows[5].image = Some(b"no image".to_vec());
    write(&table, &rows);
    succeeded(unpack(&[]));
    assert!(failed(unpack(&[])).contains("already holds posters"));
    let (run, config) = (data.path("run"), data.path("config.toml"));
    let [run, config] = [&run, &config].map(|path| path.to_str().unwrap());
    let train = ["train", "--data", out_name, "--out", run, "--config", config, "--epochs", "1"];
    let printed = failed(trainer(&train).output().unwrap());
    assert!(printed.contains("tt0004") && printed.contains("tt0005.jpg"), "{printed}");
    let printed = succeeded(trainer(&train).arg("--skip-bad").output().unwrap());
    assert!(printed.contains("58 posters") || printed.contains("held out"), "{printed}");

    // Other commands say how to unpack a table.
    let labels = trainer(&["labels", "tt0000", "--data", table_name]).output().unwrap();
    let printed = failed(labels);
    assert!(printed.contains("is a Parquet table; unpack it first: trainer unpack"), "{printed}");
}
