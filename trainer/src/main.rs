//! `trainer`: trains Marquee's networks on labelled posters, judges them, and exports the bundle that the
//! browser loads. This file parses and dispatches; each command is a module of its own.

mod calibration;
mod cli;
mod commands;
mod data;
mod device;
mod evaluate;
mod export;
mod fetch;
mod finetune;
mod inference;
mod onnx;
mod predict;
mod pretrained;
mod progress;
mod report;
mod study;
mod training;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Fetch(args) => fetch::run(&args),
        Command::Train(args) => training::fit::run(args),
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Finetune(args) => finetune::run(&args),
        Command::Study(args) => study::run(&args),
        Command::Onnx(args) => onnx::run(&args),
        Command::Predict(args) => predict::run(&args),
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
