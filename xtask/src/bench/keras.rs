//! Keras with one of its backends, from PyPI, in a folder of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::project::Project;
use crate::step::{run, step};

/// A backend of Keras, and the packages that pip installs for it.
pub(super) struct Keras {
    pub(super) name: &'static str,
    backend: &'static str,
    size: &'static str,
    packages: &'static [&'static str],
}

pub(super) const TENSORFLOW: Keras = Keras {
    name: "Keras on TensorFlow",
    backend: "tensorflow",
    size: "300 MB",
    packages: &["tensorflow-cpu==2.21.0", "pillow"],
};

pub(super) const TORCH: Keras = Keras {
    name: "Keras on PyTorch",
    backend: "torch",
    size: "7 GB",
    packages: &["torch==2.9.1", "keras==3.15.1", "pillow"],
};

impl Keras {
    /// Installs the packages, unless that is done. Returns a command that runs a script of `tests/bench`.
    pub(super) fn script(&self, project: &Project, script: &str) -> Result<Command> {
        let folder = self.folder(project);
        if !folder.exists() {
            step(&format!("installing {} ({}, once)", self.name, self.size), || {
                let draft = folder.with_extension("draft");
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(&draft);
                run(pip.args(self.packages))?;
                Ok(std::fs::rename(draft, &folder)?)
            })?;
        }
        let mut python = Command::new("python3");
        python.arg(project.root.join("tests/bench").join(script));
        python.env("KERAS_BACKEND", self.backend).env("PYTHONPATH", folder);
        Ok(python)
    }

    fn folder(&self, project: &Project) -> PathBuf {
        project.tools().join("keras").join(self.backend)
    }
}
