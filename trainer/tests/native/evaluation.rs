//! `trainer evaluate` with intervals, beside another model, and on answers that anyone made.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::synthetic_posters::{PosterFolder, failed, json, succeeded, trainer};

fn evaluate(data: &PosterFolder, source: &str, path: &Path, more: &[&str]) -> Output {
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--resamples", "300", source]);
    evaluate.arg(path).args(more);
    if source != "--run" {
        evaluate.arg("--data").arg(data.dir.path());
    }
    evaluate.output().unwrap()
}

/// Returns a row of a comparison.
fn row<'a>(metrics: &'a Value, name: &str) -> &'a Value {
    let rows = metrics["against"]["metrics"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap()
}

#[test]
fn compares_a_run_with_a_worse_one_and_with_its_own_bundle() {
    let data = PosterFolder::new();
    succeeded(data.train("run", &["--epochs", "40", "--set", "test_share=0.3"]));
    succeeded(data.train("worse", &["--epochs", "1", "--set", "test_share=0.3"]));
    let [run, bundle, worse] = ["run", "bundle", "worse"].map(|name| data.path(name));
    let mut export = trainer(&["export", "--device", "cpu", "--weights", "half", "--run"]);
    succeeded(export.arg(&run).arg("--out").arg(&bundle).output().unwrap());

    let metrics = data.path("metrics.json");
    let report = data.path("report");
    let against = |other: &Path| {
        let more = ["--against", other.to_str().unwrap(), "--json", metrics.to_str().unwrap()];
        let more = [&more[..], &["--report", report.to_str().unwrap()]].concat();
        let printed = succeeded(evaluate(&data, "--run", &run, &more));
        (printed, json(&metrics))
    };
    let (printed, metrics) = against(&worse);
    assert!(printed.contains("posters of the test split"), "{printed}");
    assert!(printed.contains("95% interval of A - B"), "{printed}");
    assert_eq!(metrics["split"], "test");
    let loss = row(&metrics, "binary cross-entropy");
    assert_eq!((&loss["better"], &loss["worse"]), (&true.into(), &false.into()), "{loss}");
    assert_eq!(loss["lower_is_better"], true);
    assert!(loss["interval"]["high"].as_f64().unwrap() < 0.0, "{loss}");
    assert_eq!(loss["value"], metrics["network"]["binary_cross_entropy"]);
    for interval in metrics["intervals"].as_array().unwrap() {
        let ends = [&interval["low"], &interval["high"]].map(|end| end.as_f64().unwrap());
        assert!(ends[0] <= ends[1], "{interval}");
    }
    let page = fs::read_to_string(report.join("index.html")).unwrap();
    for part in ["Compared with", "A is better in", "every genre", "Test split"] {
        assert!(page.contains(part), "{part}");
    }

    // Rounding to half precision changes nothing that could be told from chance.
    let (_, metrics) = against(&bundle);
    let loss = row(&metrics, "binary cross-entropy");
    let number = |key: &str| loss[key].as_f64().unwrap();
    assert!(number("difference").abs() < 1e-3, "{loss}");
    assert!((number("value") - number("other") - number("difference")).abs() < 1e-12, "{loss}");

    // Posters that trained a run say nothing about it.
    let ids = run.join("train.txt");
    let more = ["--against", worse.to_str().unwrap(), "--only", ids.to_str().unwrap()];
    let printed = failed(evaluate(&data, "--run", &run, &more));
    assert!(printed.contains("was trained on") && printed.contains("--only"), "{printed}");
    let printed = failed(evaluate(&data, "--run", &run, &["--against", "nowhere"]));
    assert!(printed.contains("--against nowhere: there is no run, bundle or file"), "{printed}");
}

#[test]
fn a_run_without_a_test_split_is_marked_as_validated_only() {
    let data = PosterFolder::new();
    succeeded(data.train("run", &["--epochs", "2", "--set", "test_share=0"]));
    let report = data.path("report");
    let more = ["--report", report.to_str().unwrap()];
    let printed = succeeded(evaluate(&data, "--run", &data.path("run"), &more));
    assert!(printed.contains("the metrics are validation metrics, and optimistic"), "{printed}");
    let page = fs::read_to_string(report.join("index.html")).unwrap();
    assert!(page.contains("Validation metrics. ") && !page.contains("Test split"));
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    export.arg(data.path("run")).arg("--out").arg(data.path("bundle"));
    let printed = succeeded(export.output().unwrap());
    assert!(printed.contains("validation metrics"), "{printed}");
    assert_eq!(json(&data.path("bundle/model.json"))["training"]["test_posters"], 0);
}

#[test]
fn answers_are_judged_as_the_model_that_gave_them() {
    let data = PosterFolder::new();
    succeeded(data.train("run", &["--epochs", "10"]));
    let run = data.path("run");
    let metrics = |output: Output, path: &Path| {
        succeeded(output);
        json(path)["network"].clone()
    };
    let file = |name: &str| data.path(name).to_str().unwrap().to_owned();
    let valid = file("run/valid.txt");
    for name in ["answers.safetensors", "answers.csv"] {
        let model = file("model.json");
        let more = ["--save-answers", &file(name), "--json", &model];
        let expected = metrics(evaluate(&data, "--run", &run, &more), Path::new(&model));
        let judged = file("judged.json");
        let more = ["--only", &valid, "--json", &judged];
        let found = metrics(
            evaluate(&data, "--answers", Path::new(&file(name)), &more),
            Path::new(&judged),
        );
        if name.ends_with("safetensors") {
            assert_eq!(found, expected);
        } else {
            // A CSV holds no thresholds, so that decisions may differ.
            for metric in ["binary_cross_entropy", "mean_average_precision", "top_1_hit"] {
                assert_eq!(found[metric], expected[metric], "{metric}");
            }
        }
    }

    // "N/A" marks missing data, and answers without it are about the other genres.
    let csv = fs::read_to_string(data.path("train.csv")).unwrap();
    let with_column = csv.replace('\n', ",0\n").replacen(",0\n", ",N/A\n", 1);
    fs::write(data.path("train.csv"), with_column).unwrap();
    succeeded(evaluate(&data, "--answers", &data.path("answers.csv"), &["--only", &valid]));
    fs::write(data.path("train.csv"), csv).unwrap();

    // They may be compared too. A model compared with its own answers does not differ.
    let compared = file("compared.json");
    let more = ["--against", &file("answers.csv"), "--json", &compared];
    succeeded(evaluate(&data, "--run", &run, &more));
    let row = row(&json(Path::new(&compared)), "top-1 hit").clone();
    assert_eq!((&row["value"], &row["better"]), (&row["other"], &false.into()), "{row}");

    let answers = fs::read_to_string(data.path("answers.csv")).unwrap();
    let refused = |text: &str, more: &[&str]| {
        let path = data.path("bad.csv");
        fs::write(&path, text).unwrap();
        failed(evaluate(&data, "--answers", &path, more))
    };
    let only = ["--only", valid.as_str()];
    let printed = refused(&answers, &[]);
    assert!(printed.contains("48 of 60 posters have no answer: tt"), "{printed}");
    let printed = refused(&answers.replacen("tt00", "nm00", 1), &only);
    assert!(printed.contains("1 of 12 ids are not in train.csv: nm00"), "{printed}");
    let printed = refused(&answers.replacen("Drama", "Melodrama", 1), &only);
    assert!(printed.contains("there is no column for the genre Drama"), "{printed}");
    let more_columns = answers.replace('\n', ",0\n").replacen(",0\n", ",News\n", 1);
    let printed = refused(&more_columns, &only);
    assert!(printed.contains("these columns are no genres of train.csv: News"), "{printed}");
    let printed = refused("id,Comedy,Drama,Horror\ntt0001,0.5,NaN,0\n", &only);
    assert!(printed.contains("id tt0001, genre Drama: NaN is not a probability"), "{printed}");
}
