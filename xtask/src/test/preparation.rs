//! What the browser and Python parts need, downloaded and built while the parts before them compile: downloads leave the
//! processors idle, and compilers rarely use all of them.

use std::thread::{Scope, ScopedJoinHandle};

use anyhow::Result;

use super::python;
use crate::project::Project;
use crate::{chromium, firefox, tools, webkit};

/// A preparation in the background.
pub(super) struct Preparation<'scope>(ScopedJoinHandle<'scope, Result<()>>);

impl<'scope> Preparation<'scope> {
    pub(super) fn begin(scope: &'scope Scope<'scope, '_>, project: &'scope Project) -> Self {
        Self(scope.spawn(|| {
            chromium::find()?;
            firefox::find();
            webkit::find();
            tools::install_wasm_pack(project)?;
            if let Some(python) = tools::python_environment(project)? {
                python::build_wheel(project, &python, true)?;
            }
            Ok(())
        }))
    }

    /// Waits for its end. Errors are dropped: the part that needs what is missing tries again, and reports them.
    pub(super) fn wait(self) {
        let _ = self.0.join();
    }
}
