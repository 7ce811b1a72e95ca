//! Options of `fine-tune`; `study` shares the training settings among them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use marquee::fine_tune::{Depth, FineTuneOptions};

use super::DeviceArg;

const EXAMPLES: &str = "\
Examples:
  # Learn the genres in the columns of my-posters/train.csv
  trainer fine-tune --data my-posters --out tuned
  # Also train the last stage; write one file, which the page can open
  trainer fine-tune --data my-posters --depth last-stage --out tuned.safetensors

A column that the bundle does not have becomes a new genre.
A genre of the bundle without a column is left as it is.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FineTuneArgs {
    /// Bundle to start from
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// Folder with train.csv and Images/<Id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Fine-tuned bundle to write: a folder, or one file if the name ends in .safetensors
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Use only the first ROWS rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Share of the posters to hold out and evaluate on, 0..1; 0 skips the evaluation
    #[arg(long, alias = "aside", value_name = "SHARE", default_value_t = 0.2)]
    pub(crate) test_share: f64,
    #[command(flatten)]
    pub(crate) flags: FineTuneFlags,
    /// Random seed of the split and of the batches
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Leave out posters whose image is missing or damaged
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Device: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

/// Training settings that `fine-tune` and `study` share. Their defaults are those of the page.
#[derive(Args)]
pub(crate) struct FineTuneFlags {
    /// Layers to train
    #[arg(long, default_value = "head")]
    pub(crate) depth: DepthArg,
    /// Number of optimiser steps
    #[arg(long, value_name = "N", default_value_t = FineTuneOptions::default().steps)]
    pub(crate) steps: usize,
    /// Posters per optimiser step
    #[arg(long, value_name = "N", default_value_t = FineTuneOptions::default().batch_size)]
    pub(crate) batch_size: usize,
    /// With --depth last-stage: posters per forward pass; lower values need less memory
    #[arg(long, value_name = "N", default_value_t = FineTuneOptions::default().micro_batch_size)]
    pub(crate) micro_batch_size: usize,
    /// Adam's learning rate for the head (the last stage uses a tenth of it)
    #[arg(long, value_name = "RATE", default_value_t = FineTuneOptions::default().learning_rate)]
    pub(crate) learning_rate: f64,
    /// Strength of L2-SP, which pulls existing genres' weights to their initial values; 0: none
    #[arg(long, value_name = "STRENGTH", default_value_t = FineTuneOptions::default().pull)]
    pub(crate) pull: f64,
    /// Strength of weight decay on new genres
    #[arg(long, value_name = "STRENGTH", default_value_t = FineTuneOptions::default().decay)]
    pub(crate) decay: f64,
    /// Upweighting of a genre's rarer label: 0: none, 1: until both labels weigh the same
    #[arg(long, value_name = "SHARE", default_value_t = FineTuneOptions::default().balance)]
    pub(crate) balance: f64,
    /// Views per poster, 1 to 6: the original, its mirror image, then crops
    #[arg(long, value_name = "N", default_value_t = FineTuneOptions::default().views)]
    pub(crate) views: usize,
}

impl FineTuneFlags {
    /// Returns the options for a [`marquee::fine_tune::FineTuner`].
    ///
    /// Disables its cross-validation: the commands evaluate on posters that they hold out.
    pub(crate) fn options(&self) -> FineTuneOptions {
        FineTuneOptions {
            depth: match self.depth {
                DepthArg::Head => Depth::Head,
                DepthArg::LastStage => Depth::LastStage,
            },
            steps: self.steps,
            batch_size: self.batch_size,
            micro_batch_size: self.micro_batch_size,
            learning_rate: self.learning_rate,
            pull: self.pull,
            decay: self.decay,
            balance: self.balance,
            views: self.views,
            folds: 0,
            ..FineTuneOptions::default()
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DepthArg {
    /// The linear head only
    Head,
    /// The last stage and the head
    LastStage,
}
