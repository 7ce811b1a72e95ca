//! What the browser and Python parts need, downloaded and built while the parts before them compile: downloads leave the
//! processors idle, and compilers rarely use all of them.

use anyhow::Result;

use super::python;
use crate::project::Project;
use crate::{chromium, firefox, tools, webkit};

/// Downloads and builds everything.
///
/// # Errors
/// Something cannot be had. Nothing after it was prepared.
pub(super) fn run(project: &Project) -> Result<()> {
    chromium::find()?;
    firefox::find();
    webkit::find();
    tools::install_wasm_pack(project)?;
    if let Some(python) = tools::python_environment(project)? {
        python::build_wheel(project, &python, true)?;
    }
    Ok(())
}
