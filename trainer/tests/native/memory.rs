//! Peak memory of `trainer predict` on images of the largest accepted size. The page's tests open the same files in
//! wasm.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::corpus::{self, Outcome};
use crate::synthetic_posters::trainer;

/// Largest resident memory, in bytes.
const LIMIT: u64 = 512_000_000;

#[test]
fn classifying_an_image_takes_at_most_512_megabytes() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/model");
    let mut names = Vec::new();
    for case in corpus::cases() {
        if !case.name.contains("bomb") && !case.name.contains("50-megabytes") {
            continue;
        }
        let path = dir.path().join(&case.name);
        std::fs::write(&path, &case.bytes).unwrap();
        let mut predict = trainer(&["predict", "--json", "--device", "cpu", "--bundle"]);
        predict.arg(&bundle).arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = predict.spawn().unwrap();
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let mut peak = 0;
        loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.map(|value| value.trim().trim_end_matches(" kB").parse::<u64>());
            peak = kilobytes.map_or(peak, |kilobytes| kilobytes.unwrap() * 1024);
            if let Some(status) = child.try_wait().unwrap() {
                let expected = match case.outcome {
                    Outcome::Classified => true,
                    Outcome::Refused => false,
                    Outcome::Either => status.success(),
                };
                assert_eq!(status.success(), expected, "{}: {status}", case.name);
                assert!(status.code().is_some_and(|code| code <= 1), "{}: {status}", case.name);
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let (megabytes, kilobytes) = (peak / 1_000_000, case.bytes.len() / 1000);
        println!("figure: `{}`, {kilobytes} kB: peak memory {megabytes} MB natively", case.name);
        assert!(peak > 0 && peak < LIMIT, "{} took {megabytes} MB", case.name);
        names.push(&case.name);
    }
    for format in ["jpeg", "png", "webp", "gif"] {
        assert!(names.iter().any(|name| name.ends_with(format)), "there is no {format} bomb");
    }
}
