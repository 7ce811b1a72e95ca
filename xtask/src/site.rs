//! The list of the page's files, `www/pkg/files.js`, with each file's length and hash. The page uses it to show the
//! progress of a download and never to mix files of two versions; the service worker uses it to fill its cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::RwLock;

use crate::project::Project;

/// Name of the list, relative to `www/`.
const LIST: &str = "pkg/files.js";

/// The folder `www/` while it is being built and, perhaps, served.
pub(crate) struct Site {
    www: PathBuf,
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
        Self { www: project.www(), lock: Arc::default(), pending: Mutex::default() }
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
        let mut files = BTreeMap::new();
        collect(&self.www, &self.www, &mut files)?;
        let all: String =
            files.iter().map(|(path, file)| format!("{path} {}\n", file.sha256)).collect();
        let version = sha256(all.as_bytes())[..12].to_owned();
        let pending = self.pending.lock().map_err(|_| anyhow!("a build step panicked"))?.clone();
        let list = serde_json::to_string_pretty(&List { version, files, pending })?;
        // A script and not JSON: browsers look for a new version in what a service worker imports.
        let text = format!("// @ts-nocheck\nself.MARQUEE_SITE = {list};\n");
        let path = self.www.join(LIST);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let draft = self.www.join("pkg/.files.js");
        std::fs::write(&draft, text).with_context(|| draft.display().to_string())?;
        std::fs::rename(&draft, &path).with_context(|| path.display().to_string())
    }
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
            files.insert(name, File { bytes: bytes.len(), sha256: sha256(&bytes) });
        }
    }
    Ok(())
}

/// Whether the page requests a file. The list cannot hold its own hash, and browsers update a service worker by
/// themselves. Type declarations, package.json and the samples' drawings are for developers.
fn is_of_the_page(path: &str) -> bool {
    let for_developers = [".d.ts", "package.json"].iter().any(|end| path.ends_with(end))
        || path.starts_with("samples/") && path.ends_with(".svg");
    !for_developers && path != LIST && path != "sw.js"
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
        let project = Project {
            root: dir.path().into(),
            target: dir.path().join("target"),
            version: String::new(),
        };
        let site = Site::new(&project);

        site.set_pending("gpu", Some("building".into())).unwrap();
        let first = checked_list(&www);
        assert_eq!(first["pending"]["gpu"], "building");
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
        assert_eq!(second["files"]["pkg/gpu/marquee.js"]["sha256"], sha256(b"draft"));
        assert_ne!(second["version"], first["version"]);

        write_package(&draft, "newer");
        site.replace_package(&draft, &www.join("pkg/gpu")).unwrap();
        let third = checked_list(&www);
        assert_eq!(third["files"]["pkg/gpu/marquee.js"]["sha256"], sha256(b"newer"));
        assert!(!draft.exists());
    }
}
