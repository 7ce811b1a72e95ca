//! `trainer`: trains Marquee's networks on labelled posters, judges them, and exports the bundle that the
//! browser loads. This file parses and dispatches; each command is a module of its own.

mod answers;
mod augment;
mod average;
mod calibration;
mod cli;
mod config;
mod curves;
mod dataset;
mod device;
mod evaluate;
mod export;
mod features;
mod fetch;
mod finetune;
mod labels;
mod learner;
mod loader;
mod log;
mod lookalikes;
mod loss;
mod memory;
mod onnx;
mod posters;
mod predict;
mod pretrained;
mod progress;
mod ranking;
mod report;
mod run;
mod running;
mod soup;
mod split;
mod study;
mod sweep;
mod teaching;
mod train;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Fetch(args) => fetch::run(&args),
        Command::Train(args) => train::run(args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Finetune(args) => finetune::run(&args),
        Command::Study(args) => study::run(&args),
        Command::Onnx(args) => onnx::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Labels(args) => labels::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
