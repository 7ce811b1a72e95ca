//! `trainer predict` on many files: order, lists, folders, and bad files among good ones.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::synthetic_posters::{PosterFolder, failed, printed, succeeded, trainer};

fn predict(more: &[&str]) -> Command {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    let mut command = trainer(&["predict", "--bundle"]);
    command.arg(tiny).args(more);
    command
}

#[test]
fn a_folder_is_classified_in_the_order_of_its_names_and_bad_files_stay_in_their_place() {
    let data = PosterFolder::new();
    let images = data.path("Images");
    fs::create_dir(images.join("tt0030-extra")).unwrap();
    fs::write(images.join("tt0030-extra/broken.JPG"), b"Dear diary").unwrap();
    fs::write(images.join("notes.txt"), b"not an image, and not in the way").unwrap();
    let output = predict(&["--json-lines", "--threads", "4"]).arg(&images).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed(&output).contains("1 of 61 images could not be classified"));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stems: Vec<String> = lines
        .iter()
        .map(|line| Path::new(line["image"].as_str().unwrap()).file_stem().unwrap().to_owned())
        .map(|stem| stem.into_string().unwrap())
        .collect();
    let mut expected: Vec<String> = (0..60).map(|index| format!("tt{index:04}")).collect();
    // "tt0030-extra" comes before "tt0030.png".
    expected.insert(30, "broken".into());
    assert_eq!(stems, expected);
    for line in &lines {
        assert_eq!(line["error"].is_string(), line["image"].as_str().unwrap().contains("broken"));
    }

    // One thread gives the same.
    let alone = predict(&["--json-lines", "--threads", "1"]).arg(&images).output().unwrap();
    let alone = String::from_utf8(alone.stdout).unwrap();
    assert!(
        alone.lines().zip(&lines).all(|(a, b)| serde_json::from_str::<Value>(a).unwrap() == *b)
    );

    let empty = data.path("empty");
    fs::create_dir(&empty).unwrap();
    let printed = failed(predict(&[]).arg(&empty).output().unwrap());
    assert!(printed.contains("empty: there is no image in this folder"), "{printed}");
}

#[test]
fn predictions_come_while_the_list_is_still_being_written() {
    let data = PosterFolder::new();
    let mut child = predict(&["--list", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Each name is written only after the prediction before it has come.
    for name in ["tt0004.png", "tt0000.png", "tt0002.jpeg"] {
        writeln!(stdin, "{}\n", data.path("Images").join(name).display()).unwrap();
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains(name) && line.contains('%'), "{line}");
    }
    drop(stdin);
    assert!(lines.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn answers_hold_every_probability_of_every_image() {
    let data = PosterFolder::new();
    let answers = data.path("answers.csv");
    let posters: Vec<PathBuf> =
        vec![data.path("Images/tt0000.png"), data.path("Images/tt0004.png")];
    let mut command = predict(&["--top", "1", "--json", "--save-answers"]);
    let output = command.arg(&answers).args(&posters).output().unwrap();
    let array: Value = serde_json::from_slice(&output.stdout).unwrap();
    succeeded(output);
    let csv = fs::read_to_string(&answers).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["id", "tt0000", "tt0004"]);
    for (row, predicted) in rows[1..].iter().zip(array.as_array().unwrap()) {
        let top = &predicted["genres"][0];
        let column = rows[0].iter().position(|name| top["genre"] == *name).unwrap();
        let probabilities = row[1..].iter().map(|cell| cell.parse::<f32>().unwrap());
        let best = probabilities.fold(0.0, f32::max);
        assert_eq!(row[column].parse::<f32>().unwrap(), best);
        assert_eq!(top["probability"].as_f64().unwrap() as f32, best);
    }

    let twice = data.path("copy");
    fs::create_dir(&twice).unwrap();
    fs::copy(&posters[0], twice.join("tt0000.png")).unwrap();
    let mut command = predict(&["--save-answers"]);
    let printed = failed(command.arg(&answers).arg(&posters[0]).arg(&twice).output().unwrap());
    assert!(printed.contains("the id \"tt0000\" occurs twice"), "{printed}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_work() {
    for (name, reason) in [
        ("answers.xlsx", "the name must end in .csv, .parquet or .safetensors"),
        ("no-such/folder/answers.csv", "there is no folder no-such/folder: create it first"),
    ] {
        // Without the check, the missing poster or folder is reported first.
        for (option, missing) in [("--save-answers", "none.jpg"), ("--soft-labels", "--data=none")]
        {
            let output = predict(&[option, name, missing]).output().unwrap();
            let printed = String::from_utf8_lossy(&output.stderr);
            assert!(printed.contains(reason), "{printed}");
        }
    }
}
