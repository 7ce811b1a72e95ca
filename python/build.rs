//! Finds the shipped model, which the native module contains: its weight file is named by its hash.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/model").canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let manifest = folder.join("model.json");
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&manifest)?)?;
    let weights = json["weights"]["file"].as_str().ok_or("model.json names no weight file")?;
    println!("cargo::rustc-env=MARQUEE_MANIFEST={}", manifest.display());
    println!("cargo::rustc-env=MARQUEE_WEIGHTS={}", folder.join(weights).display());
    Ok(())
}
