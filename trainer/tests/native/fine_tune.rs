//! `trainer fine-tune`: adds genres to the shipped model, learned from synthetic posters.

use std::path::Path;

use crate::synthetic_posters::{PosterFolder, failed, json, succeeded, trainer};

/// Returns the path of the shipped bundle.
fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/model").display().to_string()
}

#[test]
fn learns_new_genres_and_preserves_the_others() {
    let data = PosterFolder::new();
    data.edit_csv("Id,Genre,Comedy,Drama,Horror", "Id,Genre,Bollywood,Drama,Night");
    let (posters, tuned) = (data.dir.path().display().to_string(), data.path("tuned"));
    let fine_tune = |more: &[&str]| {
        let mut command = trainer(&["fine-tune", "--device", "cpu", "--bundle", &shipped()]);
        command.args(["--data", &posters, "--out"]).arg(&tuned).args(more).output().unwrap()
    };
    let printed = succeeded(fine_tune(&[]));
    assert!(printed.contains("new genres: Bollywood, Night"), "{printed}");
    assert!(printed.contains("12 held-out posters"), "{printed}");
    let row = printed.lines().find(|line| line.starts_with("Night")).unwrap();
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(columns[4], "new");
    assert!(columns[5].parse::<f64>().unwrap() > 0.95, "{row}");

    // The fine-tuned bundle loads like any other and has the new genres and the old ones.
    let predict = |bundle: &str, poster: &str| -> Vec<(String, f64)> {
        let mut command = trainer(&["predict", "--json", "--top", "100", "--bundle", bundle]);
        let output = command.arg(poster).output().unwrap();
        let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let genres = results[0]["genres"].as_array().unwrap().iter();
        let genre = |genre: &serde_json::Value| {
            (genre["genre"].as_str().unwrap().to_owned(), genre["probability"].as_f64().unwrap())
        };
        genres.map(genre).collect()
    };
    let probability = |genres: &[(String, f64)], name: &str| {
        genres.iter().find(|(genre, _)| genre == name).map(|(_, probability)| *probability).unwrap()
    };
    let tuned_path = tuned.display().to_string();
    let dark = predict(&tuned_path, &data.path("Images/tt0000.png").display().to_string());
    assert!(probability(&dark, "Night") > 0.5 && probability(&dark, "Bollywood") < 0.5, "{dark:?}");
    let lighthouse = shipped() + "/../samples/lighthouse.jpg";
    let (before, after) = (predict(&shipped(), &lighthouse), predict(&tuned_path, &lighthouse));
    assert_eq!(after.len(), before.len() + 2);
    // The labels of this genre are unknown, so it must not change.
    let moved = (probability(&before, "Documentary") - probability(&after, "Documentary")).abs();
    assert!(moved < 2e-3, "moved by {moved}");
    let manifest = json(&tuned.join("model.json"));
    assert!(manifest["training"]["config"].as_str().unwrap().ends_with("fine-tuned on 48 posters"));
    assert_eq!(
        manifest["metrics"].as_array().unwrap().len(),
        0,
        "the metrics of the old head no longer apply"
    );

    // Fine-tuning is deterministic.
    succeeded(fine_tune(&[]));
    assert_eq!(json(&tuned.join("model.json"))["weights"], manifest["weights"]);
}

#[test]
fn micro_batches_do_not_change_the_result() {
    let data = PosterFolder::new();
    data.edit_csv("Id,Genre,Comedy,Drama,Horror", "Id,Genre,Bollywood,Drama,Night");
    let posters = data.dir.path().display().to_string();
    let fine_tune = |micro_batch_size: &str| {
        let file = data.path(&format!("{micro_batch_size}.safetensors"));
        let mut command = trainer(&["fine-tune", "--device", "cpu", "--depth", "last-stage"]);
        command.args([
            "--bundle",
            &shipped(),
            "--data",
            &posters,
            "--limit",
            "16",
            "--test-share",
            "0",
        ]);
        command.args([
            "--steps",
            "5",
            "--batch-size",
            "12",
            "--micro-batch-size",
            micro_batch_size,
        ]);
        succeeded(command.arg("--out").arg(&file).output().unwrap());
        let mut predict = trainer(&["predict", "--json", "--top", "100", "--bundle"]);
        let output = predict.arg(file).arg(data.path("Images/tt0000.png")).output().unwrap();
        let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let genres = results[0]["genres"].as_array().unwrap().clone();
        let mut genres: Vec<(String, f64)> = genres
            .iter()
            .map(|genre| (genre["genre"].to_string(), genre["probability"].as_f64().unwrap()))
            .collect();
        genres.sort_by(|a, b| a.0.cmp(&b.0));
        genres
    };
    let (whole, parts) = (fine_tune("12"), fine_tune("5"));
    for (whole, parts) in whole.iter().zip(&parts) {
        assert_eq!(whole.0, parts.0);
        assert!((whole.1 - parts.1).abs() < 2e-3, "{whole:?} is not {parts:?}");
    }
}

#[test]
fn rejects_a_model_that_cannot_be_fine_tuned() {
    let data = PosterFolder::new();
    let posters = data.dir.path().display().to_string();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    let mut command =
        trainer(&["fine-tune", "--data", &posters, "--out", "/dev/null/x", "--bundle"]);
    let printed = failed(command.arg(tiny).output().unwrap());
    assert!(printed.contains("the head of a seed-cnn is not linear"), "{printed}");
}
