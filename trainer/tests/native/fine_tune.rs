//! `trainer finetune`: a genre that the shipped network does not know is taught with painted posters.

use std::path::Path;

use crate::synthetic_posters::{Data, failed, json, succeeded, trainer};

fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/model").display().to_string()
}

#[test]
fn a_new_genre_is_learnt_and_the_others_stay() {
    let data = Data::paint();
    data.edit_csv("Id,Genre,Comedy,Drama,Horror", "Id,Genre,Bollywood,Drama,Night");
    let (posters, taught) = (data.dir.path().display().to_string(), data.path("taught"));
    let finetune = |more: &[&str]| {
        let mut command = trainer(&["finetune", "--device", "cpu", "--bundle", &shipped()]);
        command.args(["--data", &posters, "--out"]).arg(&taught).args(more).output().unwrap()
    };
    let said = succeeded(finetune(&[]));
    assert!(said.contains("new genres: Bollywood, Night"), "{said}");
    assert!(said.contains("12 posters kept aside"), "{said}");
    let row = said.lines().find(|line| line.starts_with("Night")).unwrap();
    let figures: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(figures[4], "new");
    assert!(figures[5].parse::<f64>().unwrap() > 0.95, "{row}");

    // The bundle is one like any other: it loads, it names the new genre, and it still tells the old ones.
    let predict = |bundle: &str, poster: &str| -> Vec<(String, f64)> {
        let mut command = trainer(&["predict", "--json", "--top", "100", "--bundle", bundle]);
        let output = command.arg(poster).output().unwrap();
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let genres = answers[0]["genres"].as_array().unwrap().iter();
        let genre = |genre: &serde_json::Value| {
            (genre["genre"].as_str().unwrap().to_owned(), genre["probability"].as_f64().unwrap())
        };
        genres.map(genre).collect()
    };
    let of = |answers: &[(String, f64)], name: &str| {
        answers
            .iter()
            .find(|(genre, _)| genre == name)
            .map(|(_, probability)| *probability)
            .unwrap()
    };
    let taught_path = taught.display().to_string();
    let dark = predict(&taught_path, &data.path("Images/tt0000.png").display().to_string());
    assert!(of(&dark, "Night") > 0.5 && of(&dark, "Bollywood") < 0.5, "{dark:?}");
    let lighthouse = shipped() + "/../samples/lighthouse.jpg";
    let (before, after) = (predict(&shipped(), &lighthouse), predict(&taught_path, &lighthouse));
    assert_eq!(after.len(), before.len() + 2);
    // Nothing was said of this genre, so nothing was learnt of it.
    let moved = (of(&before, "Documentary") - of(&after, "Documentary")).abs();
    assert!(moved < 2e-3, "moved by {moved}");
    let manifest = json(&taught.join("model.json"));
    assert!(manifest["training"]["config"].as_str().unwrap().ends_with("fine-tuned on 48 posters"));
    assert_eq!(manifest["metrics"].as_array().unwrap().len(), 0, "they were another head's");

    // The same seed, data and device give the same weights.
    succeeded(finetune(&[]));
    assert_eq!(json(&taught.join("model.json"))["weights"], manifest["weights"]);
}

#[test]
fn a_batch_in_parts_teaches_the_last_stage_the_same() {
    let data = Data::paint();
    data.edit_csv("Id,Genre,Comedy,Drama,Horror", "Id,Genre,Bollywood,Drama,Night");
    let posters = data.dir.path().display().to_string();
    let taught = |at_once: &str| {
        let file = data.path(&format!("{at_once}.safetensors"));
        let mut command = trainer(&["finetune", "--device", "cpu", "--depth", "last-stage"]);
        command.args(["--bundle", &shipped(), "--data", &posters, "--limit", "16", "--aside", "0"]);
        command.args(["--steps", "5", "--batch-size", "12", "--micro-batch-size", at_once]);
        succeeded(command.arg("--out").arg(&file).output().unwrap());
        let mut predict = trainer(&["predict", "--json", "--top", "100", "--bundle"]);
        let output = predict.arg(file).arg(data.path("Images/tt0000.png")).output().unwrap();
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let genres = answers[0]["genres"].as_array().unwrap().clone();
        let mut genres: Vec<(String, f64)> = genres
            .iter()
            .map(|genre| (genre["genre"].to_string(), genre["probability"].as_f64().unwrap()))
            .collect();
        genres.sort_by(|a, b| a.0.cmp(&b.0));
        genres
    };
    let (whole, parts) = (taught("12"), taught("5"));
    for (whole, parts) in whole.iter().zip(&parts) {
        assert_eq!(whole.0, parts.0);
        assert!((whole.1 - parts.1).abs() < 2e-3, "{whole:?} is not {parts:?}");
    }
}

#[test]
fn what_cannot_be_taught_is_said() {
    let data = Data::paint();
    let posters = data.dir.path().display().to_string();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    let mut command =
        trainer(&["finetune", "--data", &posters, "--out", "/dev/null/x", "--bundle"]);
    let said = failed(command.arg(tiny).output().unwrap());
    assert!(said.contains("the head of a seed-cnn is not linear"), "{said}");
}
