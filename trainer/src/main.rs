//! `trainer`: trains, evaluates and exports Marquee's models. This file parses the command line and calls the
//! subcommand.

mod cli;
mod commands;
mod data;
mod device;
mod evaluation;
mod formats;
mod inference;
mod progress;
mod training;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Fetch(args) => data::fetch::run(&args),
        Command::Train(args) => training::fit::run(args),
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::FineTune(args) => commands::fine_tune::run(&args),
        Command::Study(args) => evaluation::study::run(&args),
        Command::Onnx(args) => formats::onnx::run(&args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Labels(args) => commands::labels::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
