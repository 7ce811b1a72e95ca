//! Where things are: the work tree, the target folder, and the versions that Cargo.lock pins.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

pub(crate) struct Project {
    /// The work tree.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// Of the package `marquee`.
    pub(crate) version: String,
    /// wasm-bindgen in Cargo.lock; its command line must be of the same version.
    pub(crate) wasm_bindgen: String,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        // Asked when it runs: a target folder that two checkouts share may hold the other one's program.
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let manifest = Path::new(&xtask).join("../Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).exec()?;
        let version_of = |name: &str| -> Result<String> {
            let package = metadata.packages.iter().find(|package| package.name == name);
            Ok(package.with_context(|| format!("{name} is not in Cargo.lock"))?.version.to_string())
        };
        let version = version_of("marquee")?;
        let wasm_bindgen = version_of("wasm-bindgen")?;
        Ok(Self {
            root: metadata.workspace_root.into(),
            target: metadata.target_directory.into(),
            version,
            wasm_bindgen,
        })
    }

    pub(crate) fn www(&self) -> PathBuf {
        self.root.join("www")
    }

    /// Tools that were made ready live and die with the target folder.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The Node packages that building and testing take, pinned by their lock file.
    pub(crate) fn node(&self) -> PathBuf {
        self.root.join("tests/e2e")
    }
}
