//! `cargo xtask`: builds, serves and tests Marquee on a machine that has only Rust. Each command installs what is
//! missing, announces what it does, and reports how long that took.

mod background;
mod bench;
mod chromium;
mod debian;
mod dependencies;
mod diagnosis;
#[cfg(test)]
mod docs;
mod firefox;
mod npm;
mod package;
mod project;
mod robust;
mod serve;
mod server;
mod site;
mod step;
mod test;
mod tools;
mod webkit;

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
    /// Build the page in www and the npm package in target/npm, optimised
    Build,
    /// Build and serve the page on 127.0.0.1, as soon as it can answer
    Serve {
        /// Port to listen on; 0 takes any free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Run all checks and tests: formatting, lints, native tests, tests in a browser
    Test {
        /// Run only these parts
        #[arg(long, value_delimiter = ',')]
        only: Vec<test::Part>,
    },
    /// Measure speed, next to other engines in the same run
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Measure robustness and write the results to docs/robustness.md
    #[command(subcommand)]
    Robust(robust::Robust),
    /// Write the tests' fixtures and golden values from a native run
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
        Command::Serve { port } => serve::run(&project, port),
        Command::Test { only } => test::run(&project, &only),
        Command::Bench(bench) => bench::run_bench(&project, &bench),
        Command::Robust(robust) => robust::run_robust(&project, &robust),
        Command::Golden => test::golden(&project),
    }
}
