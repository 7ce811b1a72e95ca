//! `trainer train`: resuming, devices, splits, and errors in the posters. Also the averaging of runs.

use std::fs;

use crate::synthetic_posters::{PosterFolder, failed, json, log, succeeded, trainer};

#[test]
fn a_resumed_run_ends_with_the_losses_of_an_uninterrupted_one() {
    let data = PosterFolder::new();
    succeeded(data.train("uninterrupted", &["--epochs", "12"]));

    // Kill it (SIGKILL on Unix) once the log has its second epoch.
    let run = data.path("killed");
    let mut command = trainer(&["train", "--device", "cpu", "--epochs", "12"]);
    command.arg("--data").arg(data.dir.path()).arg("--out").arg(&run);
    command.arg("--config").arg(data.path("config.toml"));
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let log_path = run.join("log.jsonl");
    while !fs::read_to_string(&log_path).unwrap_or_default().contains("\"epoch\":2") {
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(child.try_wait().unwrap().is_none(), "it must not end before it is killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let resume = || {
        let mut command = trainer(&["train", "--device", "cpu", "--resume"]);
        succeeded(command.arg(&run).output().unwrap())
    };
    assert!(resume().contains("resuming after epoch"));
    let (resumed, uninterrupted) = (log(&run), log(&data.path("uninterrupted")));
    assert_eq!(resumed.len(), uninterrupted.len());
    for (resumed, uninterrupted) in resumed.iter().zip(&uninterrupted) {
        assert_eq!((resumed.0, &resumed.1), (uninterrupted.0, &uninterrupted.1));
        assert!((resumed.2 - uninterrupted.2).abs() < 1e-4, "{resumed:?} is not {uninterrupted:?}");
    }
    assert!(resume().contains("is finished"));
}

#[test]
fn refuses_to_overwrite_a_run_or_to_resume_it_with_other_settings_or_posters() {
    let data = PosterFolder::new();
    succeeded(data.train("run", &["--epochs", "1"]));
    assert!(failed(data.train("run", &[])).contains("--resume"));

    let config = data.path("run/config.toml");
    let text = fs::read_to_string(&config).unwrap().replace("epochs = 1", "epochs = 2");
    fs::write(&config, text.replace("dropout = 0.1", "dropout = 0.2")).unwrap();
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let printed = failed(resume.arg(data.path("run")).output().unwrap());
    assert!(
        printed.contains("was changed since the run began: architecture.dropout;"),
        "{printed}"
    );
    fs::write(&config, text).unwrap();
    data.edit_csv("tt0009,\"['x']\",1,1,0\n", "");
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let printed = failed(resume.arg(data.path("run")).output().unwrap());
    assert!(printed.contains("no longer those that this run began with"), "{printed}");
}

#[test]
fn trains_on_several_devices() {
    let data = PosterFolder::new();
    let train = |devices: &str, out: &str| {
        let mut command = trainer(&["train", "--epochs", "20", "--device", devices]);
        command.arg("--data").arg(data.dir.path()).arg("--out").arg(data.path(out));
        command.arg("--config").arg(data.path("config.toml")).output().unwrap()
    };
    let printed = succeeded(train("cpu,cpu", "run"));
    assert!(printed.contains("cores and cpu"), "{printed}");
    let log = log(&data.path("run"));
    let (first, last) = (&log[0], &log[log.len() - 2]);
    assert!(last.2 < first.2 * 0.8, "the training loss must fall: {log:?}");

    let printed = train("cpu,gpu", "other");
    assert_eq!(printed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&printed.stderr).contains("unknown device \"gpu\""));
    let mut predict = trainer(&["predict", "x.png", "--device", "cpu,cpu"]);
    assert!(failed(predict.output().unwrap()).contains("only train works on several devices"));
}

#[test]
fn averages_runs_with_the_same_split_only() {
    let data = PosterFolder::new();
    let train = |out: &str, seed: &str, split: &str| {
        let split = format!("split_seed={split}");
        succeeded(data.train(out, &["--epochs", "2", "--seed", seed, "--set", &split]));
    };
    train("one", "1", "7");
    train("two", "2", "7");
    train("elsewhere", "3", "8");
    let evaluate = |runs: &[&str]| {
        let metrics = data.path("metrics.json");
        let mut command = trainer(&["evaluate"]);
        for run in runs {
            command.arg("--run").arg(data.path(run));
        }
        let output = command.arg("--json").arg(&metrics).output().unwrap();
        output.status.success().then(|| json(&metrics)["network"].clone()).ok_or(output)
    };
    let loss = |runs: &[&str]| evaluate(runs).unwrap()["binary_cross_entropy"].as_f64().unwrap();
    // The mean of a model with itself is that model; the mean of two different ones is a third.
    assert!((loss(&["one"]) - loss(&["one", "one"])).abs() < 1e-6);
    assert!((loss(&["one", "two"]) - loss(&["one"])).abs() > 1e-6);
    assert!((loss(&["one", "two"]) - loss(&["two", "one"])).abs() < 1e-3);
    let printed = failed(evaluate(&["one", "elsewhere"]).unwrap_err());
    assert!(printed.contains("they differ in the posters of train.txt"), "{printed}");
}

#[test]
fn keeps_related_posters_in_the_same_split() {
    let data = PosterFolder::new();
    // Two ids with the same image, one id in two rows, and a near-duplicate at another size and brightness.
    fs::copy(data.path("Images/tt0000.png"), data.path("Images/tt0004.png")).unwrap();
    data.edit_csv("tt0001,", "tt0005,");
    let larger = image::open(data.path("Images/tt0008.png")).unwrap().brighten(9);
    let larger = larger.resize_exact(120, 180, image::imageops::FilterType::Triangle);
    larger.to_rgb8().save(data.path("Images/tt0009.jpg")).unwrap();
    for seed in ["1", "2", "3", "4", "5"] {
        let out = format!("run{seed}");
        succeeded(data.train(&out, &["--epochs", "1", "--seed", seed]));
        let valid = fs::read_to_string(data.path(&format!("{out}/valid.txt"))).unwrap();
        let count = |id: &str| valid.lines().filter(|line| *line == id).count();
        assert_eq!(count("tt0000"), count("tt0004"), "seed {seed}");
        assert_ne!(count("tt0005"), 1, "seed {seed}: only one of its two rows");
        assert_eq!(count("tt0008"), count("tt0009"), "seed {seed}");
        // All other posters differ, so they stay where they were drawn.
        assert!(valid.lines().count() >= 8, "seed {seed}: {valid}");
    }
}

#[test]
fn lists_all_bad_images_and_skips_them_only_on_request() {
    let data = PosterFolder::new();
    fs::remove_file(data.path("Images/tt0001.jpg")).unwrap();
    fs::write(data.path("Images/tt0002.jpeg"), b"").unwrap();
    fs::write(data.path("Images/tt0005.jpg"), b"text, not an image").unwrap();
    let printed = failed(data.train("run", &[]));
    for part in [
        "3 of 60 images are",
        "no tt0001.jpg",
        "tt0002.jpeg: the file is empty",
        "tt0005.jpg: this is not a supported image",
        "--skip-bad",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!data.path("run").join("config.toml").exists());
    let printed = succeeded(data.train("skipped", &["--skip-bad", "--epochs", "1"]));
    assert!(printed.contains("leaving out: 3 of 60"), "{printed}");
}

#[test]
fn reports_the_row_of_an_error_in_train_csv() {
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
        let data = PosterFolder::new();
        data.edit_csv(from, to);
        let printed = failed(data.train("run", &[]));
        assert!(printed.contains("train.csv") && printed.contains(part), "{part}: {printed}");
        assert!(!data.path("run/config.toml").exists());
    }
    let empty = tempfile::tempdir().unwrap();
    let mut command = trainer(&["labels", "x", "--data"]);
    assert!(failed(command.arg(empty.path()).output().unwrap()).contains("train.csv"));
}
