//! Two lists of files with their lengths and hashes, so that files of two versions are never mixed.
//!
//! | list | files | used by |
//! |---|---|---|
//! | `www/pkg/files.js` | all of the page | the service worker, to fill its cache |
//! | `www/pkg/assets.js` | wasm and the model, its weights compressed | the npm package and so the page, to download them |

mod compressed_weights;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::RwLock;

use crate::project::Project;
use compressed_weights::{COMPRESSED, WEIGHTS};

/// Name of the list of the page's files, relative to `www/`.
const LIST: &str = "pkg/files.js";

/// Name of the list of the npm package's wasm files and model, relative to `www/`.
const ASSETS: &str = "pkg/assets.js";

/// The folder `www/` while it is being built and, perhaps, served.
pub(crate) struct Site {
    www: PathBuf,
    /// Version of the project.
    version: String,
    /// Requests hold it for reading, changes of files for writing: no request sees a list that does not match.
    pub(crate) lock: Arc<RwLock<()>>,
    /// Packages that the page must do without for now, and why: "building", or the error of their build.
    pending: Mutex<BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
struct File {
    bytes: usize,
    sha256: String,
}

#[derive(Serialize)]
struct List {
    /// Changes whenever a file changes.
    version: String,
    /// Files by their path, relative to the page.
    files: BTreeMap<String, File>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pending: BTreeMap<&'static str, String>,
}

impl Site {
    pub(crate) fn new(project: &Project) -> Self {
        Self {
            www: project.www(),
            version: project.version.clone(),
            lock: Arc::default(),
            pending: Mutex::default(),
        }
    }

    /// Whether a package is there, of whatever version.
    pub(crate) fn has_package(&self, name: &str) -> bool {
        self.www.join("pkg").join(name).join("package.json").exists()
    }

    /// Marks a package as missing, with the reason that the page shows. `None` marks it as ready.
    pub(crate) fn set_pending(&self, name: &'static str, reason: Option<String>) -> Result<()> {
        let mut pending = self.pending.lock().map_err(|_| anyhow!("a build step panicked"))?;
        match reason {
            Some(reason) => pending.insert(name, reason),
            None => pending.remove(name),
        };
        drop(pending);
        self.write_list()
    }

    /// Puts the package in `draft` in the place of the one in `folder`.
    pub(crate) fn replace_package(&self, draft: &Path, folder: &Path) -> Result<()> {
        let _writing = self.lock.blocking_write();
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        std::fs::rename(draft, folder).with_context(|| folder.display().to_string())?;
        self.write_list_locked()
    }

    /// Lists the files that are in `www/` now.
    pub(crate) fn write_list(&self) -> Result<()> {
        let _writing = self.lock.blocking_write();
        self.write_list_locked()
    }

    fn write_list_locked(&self) -> Result<()> {
        let pending = self.pending.lock().map_err(|_| anyhow!("a build step panicked"))?.clone();
        compressed_weights::write(&self.www)?;
        let mut files = BTreeMap::new();
        collect(&self.www, &self.www, &mut files)?;
        // First, because the list of all files has its hash.
        let assets = assets(&self.version, &files, &pending)?;
        replace(&self.www.join(ASSETS), &assets)?;
        files.insert(ASSETS.to_owned(), File::new(assets.as_bytes()));

        let all: String =
            files.iter().map(|(path, file)| format!("{path} {}\n", file.sha256)).collect();
        let version = sha256(all.as_bytes())[..12].to_owned();
        let list = serde_json::to_string_pretty(&List { version, files, pending })?;
        // A script and not JSON: browsers look for a new version in what a service worker imports.
        let text = format!("// @ts-nocheck\nself.MARQUEE_SITE = {list};\n");
        replace(&self.www.join(LIST), &text)
    }
}

impl File {
    fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len(), sha256: sha256(bytes) }
    }
}

/// Writes a file by rename, unless it has this text already.
fn replace(path: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    write_by_rename(path, text.as_bytes())
}

/// Writes a file under another name, which no list has, and renames it.
fn write_by_rename(path: &Path, contents: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}"));
    std::fs::write(&draft, contents).with_context(|| draft.display().to_string())?;
    std::fs::rename(&draft, path).with_context(|| path.display().to_string())
}

/// Returns the module that lists the wasm files and the model. Bundlers follow `new URL("…", import.meta.url)` only in
/// exactly this form. The addresses are in functions, so that importing the list computes none: some bundlers leave
/// `import.meta.url` empty.
fn assets(
    version: &str,
    files: &BTreeMap<String, File>,
    pending: &BTreeMap<&'static str, String>,
) -> Result<String> {
    let mut lines = String::new();
    for (path, File { bytes, sha256 }) in files {
        let address = match path.strip_prefix("pkg/") {
            Some(inside) if path.ends_with(".wasm") || path.ends_with(COMPRESSED) => {
                format!("./{inside}")
            }
            None if path.starts_with("model/") => format!("../{path}"),
            _ => continue,
        };
        writeln!(
            lines,
            "    \"{path}\": {{ bytes: {bytes}, sha256: \"{sha256}\", url: () => new URL(\"{address}\", import.meta.url) }},"
        )?;
    }
    let pending = serde_json::to_string(pending)?;
    Ok(format!(
        "/** The package's wasm files and its model. Written by the build. */\n\n\
         export const version = \"{version}\";\n\n\
         /** Packages that are missing: \"building\", or why their build failed. @type {{Record<string, string>}} */\n\
         export const pending = {pending};\n\n\
         /** By their path in the package. @type {{Record<string, {{ bytes: number, sha256: string, url: () => URL }}>}} */\n\
         export const files = {{\n{lines}}};\n"
    ))
}

fn collect(www: &Path, dir: &Path, files: &mut BTreeMap<String, File>) -> Result<()> {
    for entry in dir.read_dir().with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        let name = path.strip_prefix(www)?.to_string_lossy().replace('\\', "/");
        if name.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            collect(www, &path, files)?;
        } else if is_of_the_page(&name) {
            let bytes = std::fs::read(&path)?;
            files.insert(name, File::new(&bytes));
        }
    }
    Ok(())
}

/// Whether the page requests a file. The list cannot hold its own hash, and browsers update a service worker by
/// themselves. Type declarations, package.json, README.md and weights that are not compressed are for developers.
fn is_of_the_page(path: &str) -> bool {
    let ends = [".d.ts", "package.json", ".md", WEIGHTS];
    let for_developers = ends.iter().any(|end| path.ends_with(end));
    !for_developers && ![LIST, ASSETS, "sw.js"].contains(&path)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::{Site, sha256};
    use crate::project::Project;

    /// Reads the list and compares it with the files that are there.
    fn checked_list(www: &Path) -> Value {
        let text = fs::read_to_string(www.join("pkg/files.js")).unwrap();
        let json = text.split_once("= ").unwrap().1.trim_end().trim_end_matches(';');
        let list: Value = serde_json::from_str(json).unwrap();
        for (path, file) in list["files"].as_object().unwrap() {
            let bytes = fs::read(www.join(path)).unwrap();
            assert_eq!(file["sha256"], sha256(&bytes), "{path}");
            assert_eq!(file["bytes"], bytes.len(), "{path}");
        }
        list
    }

    fn write_package(folder: &Path, code: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("marquee.js"), code).unwrap();
        fs::write(folder.join("package.json"), "{}").unwrap();
    }

    #[test]
    fn the_list_matches_the_files_after_every_change() {
        let dir = tempfile::tempdir().unwrap();
        let www = dir.path().join("www");
        write_package(&www.join("pkg/cpu"), "one");
        fs::write(www.join("index.html"), "page").unwrap();
        fs::write(www.join("pkg/cpu/marquee_bg.wasm"), "wasm").unwrap();
        fs::create_dir(www.join("model")).unwrap();
        fs::write(www.join("model/model.json"), "{}").unwrap();
        fs::write(www.join("model/mine.safetensors"), "weights").unwrap();
        let project = Project {
            root: dir.path().into(),
            target: dir.path().join("target"),
            version: String::new(),
        };
        let site = Site::new(&project);

        site.set_pending("gpu", Some("building".into())).unwrap();
        let first = checked_list(&www);
        assert_eq!(first["pending"]["gpu"], "building");
        let assets = fs::read_to_string(www.join("pkg/assets.js")).unwrap();
        assert!(assets.contains(r#"pending = {"gpu":"building"}"#), "{assets}");
        assert!(first["files"]["pkg/gpu/marquee.js"].is_null());

        // What a killed build left is not part of the page.
        let draft = www.join("pkg/.gpu");
        write_package(&draft, "draft");
        site.write_list().unwrap();
        assert_eq!(checked_list(&www)["version"], first["version"]);

        site.replace_package(&draft, &www.join("pkg/gpu")).unwrap();
        site.set_pending("gpu", None).unwrap();
        let second = checked_list(&www);
        assert!(second["pending"].is_null());
        let assets = fs::read_to_string(www.join("pkg/assets.js")).unwrap();
        assert!(assets.contains("pending = {}"), "{assets}");
        assert!(
            assets.contains(r#"new URL("./cpu/marquee_bg.wasm", import.meta.url)"#),
            "{assets}"
        );
        assert!(assets.contains(r#"new URL("../model/model.json", import.meta.url)"#), "{assets}");
        let weights = r#"new URL("./mine.safetensors.zlib", import.meta.url)"#;
        assert!(assets.contains(weights), "{assets}");
        assert!(!assets.contains("mine.safetensors\""), "{assets}");
        assert_eq!(second["files"]["pkg/gpu/marquee.js"]["sha256"], sha256(b"draft"));
        assert_ne!(second["version"], first["version"]);

        write_package(&draft, "newer");
        site.replace_package(&draft, &www.join("pkg/gpu")).unwrap();
        let third = checked_list(&www);
        assert_eq!(third["files"]["pkg/gpu/marquee.js"]["sha256"], sha256(b"newer"));
        assert!(!draft.exists());
    }
}
