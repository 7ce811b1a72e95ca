//! `cargo xtask`: builds, serves and tests Marquee, on a machine that has Rust and nothing else of ours.
//! Each command makes ready what is missing, says what it does, and how long that took.

mod bench;
mod chromium;
mod debian;
mod dependencies;
#[cfg(test)]
mod docs;
mod package;
mod project;
mod robust;
mod serve;
mod site;
mod step;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, serves and tests Marquee.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the wasm packages in release, into www/pkg
    Build,
    /// Build, then serve www/ on 127.0.0.1
    Serve {
        /// Port to listen on
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Run everything: formatting, lints, tests natively, in headless Chromium, and of the real page
    Test,
    /// Measure, beside what others reach
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Show by figures that it does not break; they go into docs/robustness.md
    #[command(subcommand)]
    Robust(robust::Robust),
    /// Write the tests' fixtures and golden values anew, from the native run
    Golden,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let project = project::Project::find()?;
    match command {
        Command::Build => package::build(&project),
        Command::Serve { port } => {
            package::build(&project)?;
            serve::forever(&project, port)
        }
        Command::Test => test::run_all(&project),
        Command::Bench(bench) => bench::run_bench(&project, &bench),
        Command::Robust(robust) => robust::run_robust(&project, &robust),
        Command::Golden => test::golden(&project),
    }
}
