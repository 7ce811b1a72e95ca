//! `cargo xtask robust`: measures what untrusted files, failing GPUs and killed processes do to Marquee. Each part writes
//! its section of docs/robustness.md.

mod fuzz;
mod report;
mod soak;
mod suites;

use anyhow::Result;
use clap::Subcommand;

use crate::project::Project;

#[derive(Subcommand)]
pub(crate) enum Robust {
    /// Fuzz everything that reads untrusted bytes (cargo-fuzz, with the address sanitizer)
    Fuzz(fuzz::FuzzArgs),
    /// Classify ten thousand times and train fifty times in one tab
    Soak(soak::SoakArgs),
    /// Run only the tests of bad files, memory, failing devices, kills, fetching, web security and determinism
    Suites {
        /// Run only one: files, memory, devices, kills, fetch, security, determinism
        #[arg(long)]
        only: Option<String>,
    },
}

pub(crate) fn run_robust(project: &Project, robust: &Robust) -> Result<()> {
    match robust {
        Robust::Fuzz(args) => fuzz::run(project, args),
        Robust::Soak(args) => soak::run(project, args),
        Robust::Suites { only } => suites::run(project, only.as_deref()),
    }
}
