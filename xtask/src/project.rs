//! Paths of the project, and its version.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

pub(crate) struct Project {
    /// The working tree.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// Version of the package `marquee`.
    pub(crate) version: String,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        // Read at run time: two checkouts may share a target folder, and so this program.
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let manifest = Path::new(&xtask).join("../Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).exec()?;
        let marquee = metadata.packages.iter().find(|package| package.name == "marquee");
        let version = marquee.context("the workspace has no package marquee")?.version.to_string();
        Ok(Self {
            root: metadata.workspace_root.into(),
            target: metadata.target_directory.into(),
            version,
        })
    }

    pub(crate) fn www(&self) -> PathBuf {
        self.root.join("www")
    }

    /// Folder of installed tools; `cargo clean` removes it.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Folder of the Node packages that building and testing need.
    pub(crate) fn node(&self) -> PathBuf {
        self.root.join("tests/e2e")
    }
}
