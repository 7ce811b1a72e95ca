//! The trainer's commands on synthetic posters, and their error messages.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::synthetic_posters::{PosterFolder, failed, json, log, succeeded, trainer};

#[test]
fn trains_evaluates_exports_and_predicts() {
    let data = PosterFolder::new();
    // Batch norm's running statistics need a few hundred steps to settle, given seed-cnn's momentum.
    let printed = succeeded(data.train("run", &["--epochs", "40"]));
    assert!(printed.contains("device: cpu"), "{printed}");
    assert!(printed.contains("48 posters to train on, 12 held out"), "{printed}");
    assert!(printed.contains("epoch 40/40"), "{printed}");

    let run = data.path("run");
    for file in [
        "config.toml",
        "log.jsonl",
        "train.txt",
        "valid.txt",
        "best.bpk",
        "curves.svg",
        "curves.png",
    ] {
        assert!(fs::metadata(run.join(file)).unwrap().len() > 0, "{file}");
    }
    assert!(fs::read_to_string(run.join("config.toml")).unwrap().contains("learning_rate = 0.003"));
    let log = log(&run);
    assert_eq!(log.len(), 80);
    assert!(log[78].2 < log[0].2 * 0.8, "the training loss must fall: {log:?}");

    // The evaluation uses the held-out posters and includes the baselines.
    let metrics = data.path("metrics.json");
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--json"]);
    let printed = succeeded(evaluate.arg(&metrics).arg("--run").arg(&run).output().unwrap());
    for name in
        ["binary cross-entropy", "exact match", "weighted F1", "mean average precision", "Horror"]
    {
        assert!(printed.contains(name), "{name}: {printed}");
    }
    let metrics = json(&metrics);
    assert_eq!(metrics["posters"], 12);
    let loss = |predictor: &str| metrics[predictor]["binary_cross_entropy"].as_f64().unwrap();
    assert!(loss("network") < loss("priors"), "{metrics}");
    let best =
        log.iter().filter(|line| line.1 == "valid").map(|line| line.2).fold(f64::MAX, f64::min);
    // Calibration improves the best epoch's loss, or hardly worsens it when it is fitted on few posters.
    assert!(loss("network") <= best + 0.01, "{metrics} is worse than {best}");

    // The exported bundle has the same metrics.
    let bundle = data.path("bundle");
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    succeeded(export.arg(&run).arg("--out").arg(&bundle).output().unwrap());
    let manifest = json(&bundle.join("model.json"));
    assert_eq!(manifest["genres"][2]["name"], "Horror");
    assert_eq!(manifest["training"]["train_posters"], 48);
    let exported = manifest["metrics"][0]["value"].as_f64().unwrap();
    assert!((exported - loss("network")).abs() < 2e-3, "{exported}");

    let metrics = data.path("bundle.json");
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--bundle"]);
    evaluate.arg(&bundle).arg("--data").arg(data.dir.path());
    evaluate.arg("--only").arg(run.join("valid.txt")).arg("--json").arg(&metrics);
    succeeded(evaluate.output().unwrap());
    let evaluated = json(&metrics)["network"]["binary_cross_entropy"].as_f64().unwrap();
    assert!((evaluated - exported).abs() < 1e-4);

    // Dark posters are horror films.
    let mut predict = trainer(&["predict", "--json", "--top", "2", "--bundle"]);
    predict.arg(&bundle).arg(data.path("Images/tt0000.png"));
    let output = predict.output().unwrap();
    let predictions: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(predictions[0]["genres"].as_array().unwrap().len(), 2);
    assert_eq!(predictions[0]["genres"][0]["genre"], "Horror");
    let mut predict = trainer(&["predict", "--bundle"]);
    let printed =
        succeeded(predict.arg(&bundle).arg(data.path("Images/tt0000.png")).output().unwrap());
    assert!(
        printed.contains("tt0000.png: Horror ") && printed.matches('%').count() == 3,
        "{printed}"
    );
}

#[test]
fn labels_prints_the_true_genres_of_a_poster() {
    let data = PosterFolder::new();
    let labels =
        |id: &str| trainer(&["labels", id, "--data"]).arg(data.dir.path()).output().unwrap();
    assert_eq!(succeeded(labels("tt0000")).trim(), "Drama, Horror");
    assert!(failed(labels("tt9999")).contains("none of the 60 rows has Id tt9999"));
}

#[test]
fn predict_continues_after_a_bad_file() {
    let data = PosterFolder::new();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    fs::write(data.path("notes.jpg"), b"Dear diary").unwrap();
    let mut predict = trainer(&["predict", "--bundle"]);
    predict
        .arg(tiny)
        .arg(data.path("notes.jpg"))
        .arg(data.path("missing.png"))
        .arg(data.path("Images/tt0000.png"));
    let printed = failed(predict.output().unwrap());
    assert!(printed.contains("notes.jpg: this is not a supported image"), "{printed}");
    assert!(printed.contains("missing.png: "), "{printed}");
    assert!(printed.contains("tt0000.png: "), "{printed}");
    assert!(printed.contains("2 of 3 images could not be classified"), "{printed}");
}

#[test]
fn rejects_a_damaged_bundle_and_names_it() {
    let bundle = tempfile::tempdir().unwrap();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    fs::copy(tiny.join("model.json"), bundle.path().join("model.json")).unwrap();
    let weights = fs::read(tiny.join("weights.safetensors")).unwrap();
    fs::write(bundle.path().join("weights.safetensors"), &weights[..100]).unwrap();
    let mut predict = trainer(&["predict", "x.png", "--bundle"]);
    let printed = failed(predict.arg(bundle.path()).output().unwrap());
    assert!(
        printed.contains(&*bundle.path().to_string_lossy()) && printed.contains("100 bytes"),
        "{printed}"
    );
}
