//! Distillation: soft labels from files, runs and bundles.

use std::collections::HashMap;
use std::fs;

use crate::synthetic_posters::{PosterFolder, failed, log, succeeded, trainer};

/// Writes soft labels for all posters: `present` for the genres that a poster has, `absent` for the others.
fn write_soft_labels(data: &PosterFolder, name: &str, present: &str, absent: &str) -> String {
    let csv = fs::read_to_string(data.path("train.csv")).unwrap();
    let mut soft = String::from("id,Horror,Drama,Comedy\n");
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let value = |column: usize| if cells[column] == "1" { present } else { absent };
        soft += &format!("{},{},{},{}\n", cells[0], value(4), value(3), value(2));
    }
    let path = data.path(name);
    fs::write(&path, soft).unwrap();
    format!("distillation.soft_labels=[{path:?}]")
}

/// Returns the validation loss of a run's last epoch.
fn last_loss(data: &PosterFolder, run: &str) -> f64 {
    log(&data.path(run)).last().unwrap().2
}

#[test]
fn a_student_learns_what_the_soft_labels_say() {
    let data = PosterFolder::new();
    let right = write_soft_labels(&data, "right.csv", "0.95", "0.05");
    let wrong = write_soft_labels(&data, "wrong.csv", "0.05", "0.95");
    let train = |run: &str, soft_labels: &str, weight: &str, more: &[&str]| {
        let weight = format!("distillation.weight={weight}");
        let mut options = vec!["--epochs", "12", "--set", soft_labels, "--set", &weight];
        options.extend(more);
        succeeded(data.train(run, &options))
    };
    let printed = train("right", &right, "1", &[]);
    assert!(printed.contains("48 of 48 training posters have soft labels"), "{printed}");
    train("wrong", &wrong, "1", &[]);
    // The asymmetric loss applies to labels, not to soft labels.
    let asymmetric = ["--set", "loss.negative_gamma=4", "--set", "loss.negative_margin=0.05"];
    train("asymmetric", &right, "1", &asymmetric);
    train("mostly-labels", &wrong, "0.1", &[]);
    let [right, wrong, asymmetric, mostly_labels] =
        ["right", "wrong", "asymmetric", "mostly-labels"].map(|run| last_loss(&data, run));
    // Predicting one half would score 0.69.
    assert!(right < 0.65, "{right}");
    assert!(wrong > 0.75, "{wrong}");
    assert!(mostly_labels < 0.65, "{mostly_labels}");
    assert!((asymmetric - right).abs() < 1e-4, "{asymmetric} and {right}");
}

#[test]
fn posters_without_soft_labels_and_missing_genres_learn_from_labels() {
    let data = PosterFolder::new();
    // Soft labels of the first poster alone, and of one genre alone.
    fs::write(data.path("few.csv"), "id,Horror,Western\ntt0000,0.5,0.1\ntt0002,0.5,0.1\n").unwrap();
    let soft_labels = format!("distillation.soft_labels=[{:?}]", data.path("few.csv"));
    let options = ["--epochs", "4", "--set", &soft_labels, "--set", "distillation.weight=1"];
    let printed = succeeded(data.train("run", &options));
    assert!(printed.contains("few.csv has no Comedy, Drama: the labels alone count"), "{printed}");
    assert!(printed.contains("of 48 training posters have soft labels"), "{printed}");

    fs::write(data.path("few.csv"), "id,Horror\nother,0.5\n").unwrap();
    let printed = failed(data.train("strangers", &options));
    assert!(printed.contains("few.csv has no training poster"), "{printed}");
    fs::write(data.path("few.csv"), "id,Horror\ntt0000,1.5\n").unwrap();
    let printed = failed(data.train("invalid", &options));
    assert!(printed.contains("few.csv: id tt0000, genre Horror: 1.5 is not"), "{printed}");
}

/// Reads a CSV of soft labels.
fn read(data: &PosterFolder, name: &str) -> (String, HashMap<String, Vec<f32>>) {
    let csv = fs::read_to_string(data.path(name)).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    let row = |line: &str| {
        let mut cells = line.split(',');
        let id = cells.next().unwrap().to_owned();
        (id, cells.map(|cell| cell.parse().unwrap()).collect())
    };
    (header.to_owned(), rows.lines().map(row).collect())
}

#[test]
fn a_run_and_its_bundle_are_the_same_teacher() {
    let data = PosterFolder::new();
    // One id in two rows is one poster.
    data.edit_csv("tt0001,", "tt0005,");
    // Without calibration, the asymmetric loss makes everything improbable.
    let options = ["--epochs", "10", "--set", "loss.positive_gamma=2"];
    succeeded(data.train("run", &options));
    let path = |name: &str| data.path(name).to_str().unwrap().to_owned();
    let (run, bundle, folder) = (path("run"), path("bundle"), path(""));
    let export = ["export", "--run", &run, "--out", &bundle, "--weights", "half"];
    succeeded(trainer(&export).output().unwrap());
    let predict = |name: &str, options: &[&str]| {
        let mut command = trainer(&["predict", "--data", &folder, "--soft-labels", &path(name)]);
        let printed = succeeded(command.args(options).output().unwrap());
        assert!(printed.contains("soft labels of 59 posters written"), "{printed}");
    };
    predict("run.csv", &["--run", &run]);
    predict("bundle.csv", &["--bundle", &bundle]);
    predict("mirrored.csv", &["--bundle", &bundle, "--views", "2"]);
    predict("bundle.safetensors", &["--bundle", &bundle]);
    predict("bundle.parquet", &["--bundle", &bundle]);

    let (header, of_run) = read(&data, "run.csv");
    assert_eq!(header, "id,Comedy,Drama,Horror");
    let (_, of_bundle) = read(&data, "bundle.csv");
    let (_, mirrored) = read(&data, "mirrored.csv");
    let difference = |a: &HashMap<String, Vec<f32>>, b: &HashMap<String, Vec<f32>>| {
        let differences = a.iter().flat_map(|(id, row)| row.iter().zip(&b[id]));
        differences.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert_eq!(of_run.len(), 59);
    assert!(difference(&of_run, &of_bundle) < 0.005, "{}", difference(&of_run, &of_bundle));
    let of_mirror_images = difference(&of_bundle, &mirrored);
    assert!(of_mirror_images > 1e-5 && of_mirror_images < 0.5, "{of_mirror_images}");

    // Runs, bundles and all kinds of files are teachers of one student.
    let quoted = |name: &str| format!("{:?}", data.path(name));
    let teachers = format!("distillation.teachers=[{}, {}]", quoted("run"), quoted("bundle"));
    let files =
        [quoted("run.csv"), quoted("bundle.safetensors"), quoted("bundle.parquet")].join(", ");
    let files = format!("distillation.soft_labels=[{files}]");
    let mut options = vec!["--epochs", "1", "--set", "distillation.weight=0.5"];
    options.extend(["--set", &teachers, "--set", &files]);
    let printed = succeeded(data.train("student", &options));
    for part in [
        "the teacher ",
        "run.csv: 59 rows",
        "bundle.safetensors: 59 rows",
        "bundle.parquet: 59 rows",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}
