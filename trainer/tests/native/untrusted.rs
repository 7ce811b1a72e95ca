//! `trainer predict` on a hundred files that strangers could drop: each is classified or refused, and none ends it.

use std::path::Path;

use serde_json::Value;

use crate::corpus::{Case, Outcome};
use crate::synthetic_posters::trainer;

#[test]
fn each_file_is_classified_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cases = corpus::cases();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    let mut predict = trainer(&["predict", "--json", "--device", "cpu", "--bundle"]);
    predict.arg(bundle);
    for Case { name, bytes, .. } in &cases {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        predict.arg(path);
    }
    let output = predict.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("images could not be classified"), "{said}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), cases.len());
    for (answer, Case { name, outcome, .. }) in answers.iter().zip(&cases) {
        let (genres, error) = (answer.get("genres").is_some(), answer.get("error").is_some());
        match outcome {
            Outcome::Classified => assert!(genres && !error, "{name}: {answer}"),
            Outcome::Refused => assert!(error && !genres, "{name}: {answer}"),
            Outcome::Either => assert!(genres != error, "{name}: {answer}"),
        }
    }
    let classified = answers.iter().filter(|answer| answer.get("genres").is_some()).count();
    println!("figure: `trainer predict`: {classified} of {} files classified", answers.len());
}
