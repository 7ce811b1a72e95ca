//! More than a hundred untrusted files: each is classified or refused, and none affects the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpus::{self, Case, Outcome};
use marquee::{Classifier, Error};

const POSTER: &[u8] = include_bytes!("../fixtures/poster.jpg");

#[test]
fn classifies_or_refuses_each_file_without_affecting_the_next() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
    let classifier = Classifier::open(&dir).unwrap();
    let genres = classifier.manifest().genres.len();
    let classify = |bytes: &[u8]| pollster::block_on(classifier.classify(bytes));
    let expected = classify(POSTER).unwrap();

    // If set, the files and their outcomes are saved for the page's tests.
    let saved = std::env::var_os("MARQUEE_UNTRUSTED").map(PathBuf::from);
    if let Some(dir) = &saved {
        std::fs::create_dir_all(dir).unwrap();
    }
    let mut classified = BTreeMap::new();
    let cases = corpus::cases();
    assert!(cases.len() > 100, "{}", cases.len());
    for Case { name, bytes, outcome } in cases {
        if let Some(dir) = &saved {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        let result = classify(bytes);
        classified.insert(name.clone(), result.is_ok());
        match (result, outcome) {
            (Ok(predictions), Outcome::Classified | Outcome::Either) => {
                assert_eq!(predictions.len(), genres, "{name}");
            }
            (
                Err(
                    Error::EmptyImage
                    | Error::UnknownImageFormat
                    | Error::ImageTooLarge { .. }
                    | Error::SideTooLong { .. }
                    | Error::DamagedImage { .. },
                ),
                Outcome::Refused | Outcome::Either,
            ) => {}
            (other, _) => panic!("{name}: expected {outcome:?}, got {other:?}"),
        }
        assert_eq!(classify(POSTER).unwrap(), expected, "after {name}");
    }
    println!(
        "figure: natively: {} of {} files classified, the others refused with a reason; the predictions for an \
         intact poster after each file are identical",
        classified.values().filter(|classified| **classified).count(),
        classified.len()
    );
    if let Some(dir) = &saved {
        let json = serde_json::to_string_pretty(&classified).unwrap();
        std::fs::write(dir.join("classified.json"), json).unwrap();
    }
}
