//! A hundred files that a stranger could drop: each is classified or refused, and none harms the next one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpus::{Case, Outcome};
use marquee::{Classifier, Error, Manifest};

const POSTER: &[u8] = include_bytes!("../fixtures/poster.jpg");

#[test]
fn each_file_is_classified_or_refused_and_the_next_one_is_not_harmed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
    let (manifest, weights) = marquee::bundle::read_parts(&dir).unwrap();
    let manifest = Manifest::from_json(&manifest).unwrap();
    let genres = manifest.genres.len();
    let classifier = Classifier::on_cpu(manifest, &weights).unwrap();
    let answer = |bytes: &[u8]| pollster::block_on(classifier.classify(bytes));
    let good = answer(POSTER).unwrap();

    // Where the page's tests find the files, and what became of them here.
    let kept = std::env::var_os("MARQUEE_UNTRUSTED").map(PathBuf::from);
    if let Some(dir) = &kept {
        std::fs::create_dir_all(dir).unwrap();
    }
    let mut classified = BTreeMap::new();
    let cases = corpus::cases();
    assert!(cases.len() > 100, "{}", cases.len());
    for Case { name, bytes, outcome } in cases {
        if let Some(dir) = &kept {
            std::fs::write(dir.join(&name), &bytes).unwrap();
        }
        let answered = answer(&bytes);
        classified.insert(name.clone(), answered.is_ok());
        match (answered, outcome) {
            (Ok(predictions), Outcome::Classified | Outcome::Either) => {
                assert_eq!(predictions.len(), genres, "{name}");
            }
            (
                Err(
                    Error::EmptyImage
                    | Error::UnknownImageFormat
                    | Error::ImageTooLarge { .. }
                    | Error::DamagedImage { .. },
                ),
                Outcome::Refused | Outcome::Either,
            ) => {}
            (other, _) => panic!("{name} must be {outcome:?}: {other:?}"),
        }
        assert_eq!(answer(POSTER).unwrap(), good, "after {name}");
    }
    println!(
        "figure: natively: {} of {} files classified, the others refused with their reason; a good poster behind \
         each gives the same answer to the last bit",
        classified.values().filter(|answered| **answered).count(),
        classified.len()
    );
    if let Some(dir) = &kept {
        let json = serde_json::to_string_pretty(&classified).unwrap();
        std::fs::write(dir.join("classified.json"), json).unwrap();
    }
}
