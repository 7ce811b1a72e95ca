//! `trainer`: trains, evaluates and exports Marquee's models. This file parses the command line and calls the
//! subcommand.

mod chart_style;
mod cli;
mod commands;
mod config_keys;
mod data;
mod device;
mod documented;
mod evaluation;
mod export;
mod formats;
mod inference;
mod progress;
mod teachers;
mod training;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Fetch(args) => commands::fetch::run(&args),
        Command::Unpack(args) => commands::unpack::run(&args),
        Command::Train(args) => commands::train::run(args),
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Config(args) => commands::config::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::FineTune(args) => commands::fine_tune::run(&args),
        Command::Study(args) => commands::study::run(&args),
        Command::Onnx(args) => commands::onnx::run(&args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Labels(args) => commands::labels::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
