//! The trainer as its users meet it: commands on posters that the test paints, and every way they go wrong.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::synthetic_posters::{CONFIG, Data, failed, json, log, succeeded, trainer};

#[test]
fn from_posters_to_genres() {
    let data = Data::paint();
    // Batch norm's running figures take some hundred steps to settle, with the seed's momentum.
    let said = succeeded(data.train("run", &["--epochs", "40"]));
    assert!(said.contains("device: cpu"), "{said}");
    assert!(said.contains("48 posters to train on, 12 kept aside"), "{said}");
    assert!(said.contains("epoch 40/40"), "{said}");

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

    // Judged on what was kept aside, beside the baselines.
    let figures = data.path("figures.json");
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--json"]);
    let said = succeeded(evaluate.arg(&figures).arg("--run").arg(&run).output().unwrap());
    for name in
        ["binary cross-entropy", "exact match", "weighted F1", "mean average precision", "Horror"]
    {
        assert!(said.contains(name), "{name}: {said}");
    }
    let figures = json(&figures);
    assert_eq!(figures["posters"], 12);
    let loss = |who: &str| figures[who]["binary_cross_entropy"].as_f64().unwrap();
    assert!(loss("network") < loss("priors"), "{figures}");
    let best =
        log.iter().filter(|line| line.1 == "valid").map(|line| line.2).fold(f64::MAX, f64::min);
    // The best epoch's, which calibration makes better, or hardly worse where few posters fit it.
    assert!(loss("network") <= best + 0.01, "{figures} is worse than {best}");

    // Exported in half precision, with the same figures.
    let bundle = data.path("bundle");
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    succeeded(export.arg(&run).arg("--out").arg(&bundle).output().unwrap());
    let manifest = json(&bundle.join("model.json"));
    assert_eq!(manifest["genres"][2]["name"], "Horror");
    assert_eq!(manifest["training"]["train_posters"], 48);
    let exported = manifest["metrics"][0]["value"].as_f64().unwrap();
    assert!((exported - loss("network")).abs() < 2e-3, "{exported}");

    let figures = data.path("bundle.json");
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--bundle"]);
    evaluate.arg(&bundle).arg("--data").arg(data.dir.path());
    evaluate.arg("--only").arg(run.join("valid.txt")).arg("--json").arg(&figures);
    succeeded(evaluate.output().unwrap());
    let judged = json(&figures)["network"]["binary_cross_entropy"].as_f64().unwrap();
    assert!((judged - exported).abs() < 1e-4);

    // A dark poster is a horror film's.
    let mut predict = trainer(&["predict", "--json", "--top", "2", "--bundle"]);
    predict.arg(&bundle).arg(data.path("Images/tt0000.png"));
    let output = predict.output().unwrap();
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers[0]["genres"].as_array().unwrap().len(), 2);
    assert_eq!(answers[0]["genres"][0]["genre"], "Horror");
    let mut predict = trainer(&["predict", "--bundle"]);
    let said =
        succeeded(predict.arg(&bundle).arg(data.path("Images/tt0000.png")).output().unwrap());
    assert!(said.contains("tt0000.png: Horror ") && said.matches('%').count() == 3, "{said}");
}

#[test]
fn a_killed_run_resumes_to_the_result_of_an_unbroken_one() {
    let data = Data::paint();
    succeeded(data.train("unbroken", &["--epochs", "12"]));

    // Killed (SIGKILL on Unix) once its second epoch is in the log.
    let run = data.path("killed");
    let mut command = trainer(&["train", "--device", "cpu", "--epochs", "12"]);
    command.arg("--data").arg(data.dir.path()).arg("--out").arg(&run);
    command.arg("--config").arg(data.path("config.toml"));
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let log_path = run.join("log.jsonl");
    while !fs::read_to_string(&log_path).unwrap_or_default().contains("\"epoch\":2") {
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(child.try_wait().unwrap().is_none(), "it must not end by itself");
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let resume = || {
        let mut command = trainer(&["train", "--device", "cpu", "--resume"]);
        succeeded(command.arg(&run).output().unwrap())
    };
    assert!(resume().contains("resuming behind epoch"));
    let (resumed, unbroken) = (log(&run), log(&data.path("unbroken")));
    assert_eq!(resumed.len(), unbroken.len());
    for (resumed, unbroken) in resumed.iter().zip(&unbroken) {
        assert_eq!((resumed.0, &resumed.1), (unbroken.0, &unbroken.1));
        assert!((resumed.2 - unbroken.2).abs() < 1e-4, "{resumed:?} is not {unbroken:?}");
    }
    assert!(resume().contains("is finished"));
}

#[test]
fn a_run_is_not_overwritten_nor_resumed_on_other_posters() {
    let data = Data::paint();
    succeeded(data.train("run", &["--epochs", "1"]));
    assert!(failed(data.train("run", &[])).contains("--resume"));

    let config = data.path("run/config.toml");
    let text = fs::read_to_string(&config).unwrap().replace("epochs = 1", "epochs = 2");
    fs::write(&config, text.replace("dropout = 0.1", "dropout = 0.2")).unwrap();
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let said = failed(resume.arg(data.path("run")).output().unwrap());
    assert!(said.contains("was changed since the run began: architecture.dropout;"), "{said}");
    fs::write(&config, text).unwrap();
    data.edit_csv("tt0009,\"['x']\",1,1,0\n", "");
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let said = failed(resume.arg(data.path("run")).output().unwrap());
    assert!(said.contains("no longer those that this run began with"), "{said}");
}

#[test]
fn several_devices_share_the_work() {
    let data = Data::paint();
    let train = |devices: &str, out: &str| {
        let mut command = trainer(&["train", "--epochs", "20", "--device", devices]);
        command.arg("--data").arg(data.dir.path()).arg("--out").arg(data.path(out));
        command.arg("--config").arg(data.path("config.toml")).output().unwrap()
    };
    let said = succeeded(train("cpu,cpu", "run"));
    assert!(said.contains("cores and cpu"), "{said}");
    let log = log(&data.path("run"));
    let (first, last) = (&log[0], &log[log.len() - 2]);
    assert!(last.2 < first.2 * 0.8, "the training loss must fall: {log:?}");

    let said = train("cpu,gpu", "other");
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("\"gpu\" is none of auto, wgpu"));
    let mut predict = trainer(&["predict", "x.png", "--device", "cpu,cpu"]);
    assert!(failed(predict.output().unwrap()).contains("only train works on several devices"));
}

#[test]
fn runs_are_averaged_where_they_fit() {
    let data = Data::paint();
    let train = |out: &str, seed: &str, split: &str| {
        let split = format!("split_seed={split}");
        succeeded(data.train(out, &["--epochs", "2", "--seed", seed, "--set", &split]));
    };
    train("one", "1", "7");
    train("two", "2", "7");
    train("elsewhere", "3", "8");
    let evaluate = |runs: &[&str]| {
        let figures = data.path("figures.json");
        let mut command = trainer(&["evaluate"]);
        for run in runs {
            command.arg("--run").arg(data.path(run));
        }
        let output = command.arg("--json").arg(&figures).output().unwrap();
        output.status.success().then(|| json(&figures)["network"].clone()).ok_or(output)
    };
    let loss = |runs: &[&str]| evaluate(runs).unwrap()["binary_cross_entropy"].as_f64().unwrap();
    // With itself a network stays as it is; with another one it becomes a third.
    assert!((loss(&["one"]) - loss(&["one", "one"])).abs() < 1e-6);
    assert!((loss(&["one", "two"]) - loss(&["one"])).abs() > 1e-6);
    assert!((loss(&["one", "two"]) - loss(&["two", "one"])).abs() < 1e-3);
    let said = failed(evaluate(&["one", "elsewhere"]).unwrap_err());
    assert!(said.contains("they differ in the posters of train.txt"), "{said}");
}

#[test]
fn related_posters_stay_on_one_side() {
    let data = Data::paint();
    // Two ids with one image, one id in two rows, and one poster in two printings.
    fs::copy(data.path("Images/tt0000.png"), data.path("Images/tt0004.png")).unwrap();
    data.edit_csv("tt0001,", "tt0005,");
    let larger = image::open(data.path("Images/tt0008.png")).unwrap().brighten(9);
    let larger = larger.resize_exact(120, 180, image::imageops::FilterType::Triangle);
    larger.to_rgb8().save(data.path("Images/tt0009.jpg")).unwrap();
    for seed in ["1", "2", "3", "4", "5"] {
        let out = format!("run{seed}");
        succeeded(data.train(&out, &["--epochs", "1", "--seed", seed]));
        let valid = fs::read_to_string(data.path(&format!("{out}/valid.txt"))).unwrap();
        let sides = |id: &str| valid.lines().filter(|line| *line == id).count();
        assert_eq!(sides("tt0000"), sides("tt0004"), "seed {seed}");
        assert_ne!(sides("tt0005"), 1, "seed {seed}: one of its two rows only");
        assert_eq!(sides("tt0008"), sides("tt0009"), "seed {seed}");
        // The others are all different: they stay where they were drawn.
        assert!(valid.lines().count() >= 8, "seed {seed}: {valid}");
    }
}

#[test]
fn labels_prints_the_true_genres() {
    let data = Data::paint();
    let labels =
        |id: &str| trainer(&["labels", id, "--data"]).arg(data.dir.path()).output().unwrap();
    assert_eq!(succeeded(labels("tt0000")).trim(), "Drama, Horror");
    assert!(failed(labels("tt9999")).contains("none of its 60 rows has the Id tt9999"));
}

#[test]
fn bad_images_are_listed_at_once_and_left_out_only_when_told() {
    let data = Data::paint();
    fs::remove_file(data.path("Images/tt0001.jpg")).unwrap();
    fs::write(data.path("Images/tt0002.jpeg"), b"").unwrap();
    fs::write(data.path("Images/tt0005.jpg"), b"a text, not a picture").unwrap();
    let said = failed(data.train("run", &[]));
    for part in [
        "3 of 60 images are",
        "no tt0001.jpg",
        "tt0002.jpeg: the file is empty",
        "tt0005.jpg: this is not an image",
        "--skip-bad",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!data.path("run").join("config.toml").exists());
    let said = succeeded(data.train("skipped", &["--skip-bad", "--epochs", "1"]));
    assert!(said.contains("leaving out: 3 of 60"), "{said}");
}

#[test]
fn a_csv_that_cannot_be_read_is_named_by_row() {
    for (from, to, part) in [
        ("Id,Genre", "Film,Genre", "row 1: there is no column Id"),
        (
            "tt0003,\"['x']\",1,1,0",
            "tt0003,\"['x']\",1,maybe,0",
            "row 5: column Drama: \"maybe\" is neither 0 nor 1",
        ),
        ("tt0003,\"['x']\",1,1,0", "tt0003,\"['x']\",1", "row 5"),
        ("tt0003,", "../tt0003,", "row 5: the Id \"../tt0003\""),
    ] {
        let data = Data::paint();
        data.edit_csv(from, to);
        let said = failed(data.train("run", &[]));
        assert!(said.contains("train.csv") && said.contains(part), "{part}: {said}");
        assert!(!data.path("run/config.toml").exists());
    }
    let empty = tempfile::tempdir().unwrap();
    let mut command = trainer(&["labels", "x", "--data"]);
    assert!(failed(command.arg(empty.path()).output().unwrap()).contains("train.csv"));
}

#[test]
fn a_bad_configuration_is_explained() {
    let data = Data::paint();
    let mut nonsense = trainer(&["train", "--config", "nonsense", "--out", "run", "--data"]);
    let said = failed(nonsense.arg(data.dir.path()).output().unwrap());
    assert!(said.contains("neither a file nor one of efficientnet-lite0"), "{said}");
    assert!(
        failed(data.train("run", &["--learning-rate=-1"]))
            .contains("learning_rate must be above 0")
    );
    assert!(failed(data.train("run", &["--epochs", "0"])).contains("epochs must be at least 1"));
    fs::write(data.path("config.toml"), CONFIG.replace("hidden", "hiden")).unwrap();
    assert!(failed(data.train("run", &[])).contains("config.toml"));
}

#[test]
fn predict_goes_on_after_a_bad_file() {
    let data = Data::paint();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    fs::write(data.path("notes.jpg"), b"Dear diary").unwrap();
    let mut predict = trainer(&["predict", "--bundle"]);
    predict
        .arg(tiny)
        .arg(data.path("notes.jpg"))
        .arg(data.path("missing.png"))
        .arg(data.path("Images/tt0000.png"));
    let said = failed(predict.output().unwrap());
    assert!(said.contains("notes.jpg: this is not an image"), "{said}");
    assert!(said.contains("missing.png: "), "{said}");
    assert!(said.contains("tt0000.png: "), "{said}");
    assert!(said.contains("2 of 3 images could not be classified"), "{said}");
}

#[test]
fn a_damaged_bundle_is_refused_with_its_name() {
    let bundle = tempfile::tempdir().unwrap();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    fs::copy(tiny.join("model.json"), bundle.path().join("model.json")).unwrap();
    let weights = fs::read(tiny.join("weights.safetensors")).unwrap();
    fs::write(bundle.path().join("weights.safetensors"), &weights[..100]).unwrap();
    let mut predict = trainer(&["predict", "x.png", "--bundle"]);
    let said = failed(predict.arg(bundle.path()).output().unwrap());
    assert!(
        said.contains(&*bundle.path().to_string_lossy()) && said.contains("100 bytes"),
        "{said}"
    );
}
