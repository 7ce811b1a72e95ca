//! `trainer predict` on a hundred untrusted files: it classifies or rejects each, and none ends the program.

use std::path::Path;

use serde_json::Value;

use crate::corpus::{self, Case, Outcome};
use crate::synthetic_posters::trainer;

#[test]
fn classifies_or_rejects_each_file() {
    let dir = tempfile::tempdir().unwrap();
    let cases = corpus::cases();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
    let mut predict = trainer(&["predict", "--json", "--device", "cpu", "--bundle"]);
    predict.arg(bundle);
    for Case { name, bytes, .. } in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        predict.arg(path);
    }
    let output = predict.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("images could not be classified"), "{printed}");
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.len(), cases.len());
    for (result, Case { name, outcome, .. }) in results.iter().zip(cases) {
        let (genres, error) = (result.get("genres").is_some(), result.get("error").is_some());
        match outcome {
            Outcome::Classified => assert!(genres && !error, "{name}: {result}"),
            Outcome::Refused => assert!(error && !genres, "{name}: {result}"),
            Outcome::Either => assert!(genres != error, "{name}: {result}"),
        }
    }
    let classified = results.iter().filter(|result| result.get("genres").is_some()).count();
    println!("figure: `trainer predict`: {classified} of {} files classified", results.len());
}
