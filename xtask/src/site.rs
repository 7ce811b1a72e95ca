//! The list of the page's files, `www/pkg/files.js`: how long each is, and its hash. The page shows by it how
//! far the download is, and never mixes files of two versions; the service worker keeps by it what a visit
//! without a network takes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::project::Project;

#[derive(Serialize)]
struct File {
    bytes: usize,
    sha256: String,
}

#[derive(Serialize)]
struct Site {
    /// Changes with every file's.
    version: String,
    /// By path, relative to the page.
    files: BTreeMap<String, File>,
}

/// Writes the list of what lies in `www/` now.
pub(crate) fn write_list(project: &Project) -> Result<()> {
    let www = project.www();
    let mut files = BTreeMap::new();
    collect(&www, &www, &mut files)?;
    let all: String =
        files.iter().map(|(path, file)| format!("{path} {}\n", file.sha256)).collect();
    let version = sha256(all.as_bytes())[..12].to_owned();
    let site = serde_json::to_string_pretty(&Site { version, files })?;
    // As a script and not as JSON: browsers look for a new version in what a service worker imports.
    std::fs::write(
        www.join("pkg/files.js"),
        format!("// @ts-nocheck\nself.MARQUEE_SITE = {site};\n"),
    )?;
    Ok(())
}

fn collect(www: &Path, dir: &Path, files: &mut BTreeMap<String, File>) -> Result<()> {
    for entry in dir.read_dir().with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(www, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(www)?.to_string_lossy().replace('\\', "/");
        if is_of_the_page(&name) {
            let bytes = std::fs::read(&path)?;
            files.insert(name, File { bytes: bytes.len(), sha256: sha256(&bytes) });
        }
    }
    Ok(())
}

/// Whether the page itself asks for a file. The list cannot hold its own hash, and browsers renew the worker
/// by themselves; the rest is for people: the samples' drawings, and what bundlers read.
fn is_of_the_page(path: &str) -> bool {
    let for_people = [".d.ts", "package.json"].iter().any(|end| path.ends_with(end))
        || path.starts_with("samples/") && path.ends_with(".svg")
        || path.split('/').any(|part| part.starts_with('.'));
    !for_people && path != "pkg/files.js" && path != "sw.js"
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
