//! Training on a few posters, or on the first rows only.

use crate::synthetic_posters::{PosterFolder, json, log, printed, succeeded, trainer};

#[test]
fn the_loss_selects_the_best_epoch_where_no_genre_has_enough_positives() {
    let data = PosterFolder::new();
    let metric = "selection_metric=mean-average-precision";
    let more = ["--limit", "24", "--epochs", "3", "--set", metric, "--set", "patience=2"];
    let printed = succeeded(data.train("run", &more));
    let reason = "no genre has 5 positives among the 5 validation posters";
    assert!(printed.contains(reason), "{printed}");
    assert!(printed.contains("mean average precision undefined"), "{printed}");
    let lines = printed.lines().filter_map(|line| line.split_once("  valid loss "));
    assert!(lines.clone().count() >= 3 && lines.clone().all(|(_, valid)| !valid.contains("mAP")));
    let log = log(&data.path("run"));
    let valid = log.iter().filter(|line| line.1 == "valid");
    let best = valid.min_by(|a, b| a.2.total_cmp(&b.2)).unwrap();
    assert!(printed.contains(&format!("best epoch {}: ", best.0)), "{printed}");

    let printed = succeeded(data.train("enough", &["--epochs", "1", "--set", metric]));
    assert!(printed.contains(" mAP 0."), "{printed}");
    assert!(!printed.contains("undefined"), "{printed}");
}

#[test]
fn a_bundle_of_a_limited_run_is_exported_again_with_the_same_split() {
    let data = PosterFolder::new();
    succeeded(data.train("run", &["--limit", "40", "--epochs", "1"]));
    let export = |source: &str, from: &str, to: &str| {
        let mut export = trainer(&["export", "--device", "cpu", "--weights", "half", source]);
        export.arg(data.path(from)).arg("--out").arg(data.path(to));
        if source == "--bundle" {
            export.arg("--data").arg(data.dir.path());
        }
        let output = export.output().unwrap();
        assert!(output.status.success(), "{}", printed(&output));
        json(&data.path(to).join("model.json"))
    };
    let first = export("--run", "run", "bundle");
    let again = export("--bundle", "bundle", "again");
    assert_eq!(first["training"]["valid_posters"], 8);
    assert_eq!(again["training"], first["training"]);
    assert_eq!(again["metrics"][0]["name"], first["metrics"][0]["name"]);
}
