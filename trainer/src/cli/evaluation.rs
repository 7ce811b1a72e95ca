//! Options of `evaluate`, `predict` and `study`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DeviceArg;
use super::fine_tune::FineTuneFlags;
use super::output_file::{answers, answers_file, output_file};

/// The model that `export` works on.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ModelSource {
    /// Bundle folder, such as www/model
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// Run folder (uses its best epoch); repeat to average the weights of several runs
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,
}

/// What `evaluate` judges.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct EvaluationSource {
    /// Bundle folder, such as www/model
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// Run folder (uses its best epoch); repeat to average the weights of several runs
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,
    /// Answers that anyone made: a .csv or .parquet with a column id and one column of probabilities per genre, or a
    /// .safetensors file (see docs/training.md)
    #[arg(long, value_name = "FILE", value_parser = answers)]
    pub(crate) answers: Option<PathBuf>,
}

const EVALUATE_EXAMPLES: &str = "\
Examples:
  # Metrics of a run on its own test split
  trainer evaluate --run runs/mine
  # The same as an HTML page, with the posters of the worst mistakes, and as JSON
  trainer evaluate --run runs/mine --report report --with-images --json metrics.json
  # A bundle on a run's test split
  trainer evaluate --bundle www/model --data posters --only runs/mine/test.txt
  # Is a run better than what ships? Both on the run's test split
  trainer evaluate --run runs/mine --against www/model
  # Probabilities of another program, on the posters that they are about
  trainer evaluate --answers answers.csv --data posters --only runs/mine/test.txt";

const EVALUATE_USAGE: &str = "\
trainer evaluate --run <DIR> [OPTIONS]
       trainer evaluate --bundle <DIR> --data <DIR> [OPTIONS]
       trainer evaluate --answers <FILE> --data <DIR> [OPTIONS]";

#[derive(Args)]
#[command(after_help = EVALUATE_EXAMPLES, override_usage = EVALUATE_USAGE)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    pub(crate) source: EvaluationSource,
    /// Folder with train.csv and Images/ [default: the run's own]
    #[arg(long, value_name = "DIR", required_unless_present = "run")]
    pub(crate) data: Option<PathBuf>,
    /// Use only the poster ids in this file, one per line [default: the run's test split]
    #[arg(long, value_name = "FILE")]
    pub(crate) only: Option<PathBuf>,
    /// Also compare with this run, bundle or file of answers: the same posters, paired bootstrap
    #[arg(long, value_name = "PATH")]
    pub(crate) against: Option<PathBuf>,
    /// Bootstrap resamples behind the intervals
    #[arg(long, value_name = "N", default_value = "2000")]
    pub(crate) resamples: NonZeroUsize,
    /// Also write the probabilities of all evaluated posters to this .csv, .parquet or .safetensors file
    #[arg(long, value_name = "FILE", value_parser = answers_file)]
    pub(crate) save_answers: Option<PathBuf>,
    /// Also write all metrics to this JSON file
    #[arg(long, value_name = "FILE", value_parser = output_file)]
    pub(crate) json: Option<PathBuf>,
    /// Also write a self-contained HTML report to DIR/index.html
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Include the misclassified posters in the report, not only their ids
    #[arg(long, requires = "report")]
    pub(crate) with_images: bool,
    /// Leave out posters whose image is missing or damaged
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Device: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

const PREDICT_EXAMPLES: &str = "\
Examples:
  trainer predict poster.jpg --top 3
  # A folder with its subfolders, as JSON lines that come while it works
  trainer predict posters/Images --json-lines > predictions.jsonl
  # Whatever another program lists, and all probabilities as a table
  find /films -name '*.jpg' | trainer predict --list - --save-answers answers.csv
  # Soft labels of a run for all posters of a folder, to train others with
  trainer predict --data posters --run runs/teacher --views 2 --soft-labels teacher.csv

Results come in the order of the arguments; a folder's files are sorted by name. An image that cannot be
classified is an error in its place; the others go on, and the exit status is 1 at the end.";

/// Options that write the predictions for a folder of posters to a file, as soft labels for other trainings.
#[derive(Args)]
pub(crate) struct SoftLabelsArgs {
    /// Write the probabilities of all posters of --data to this .csv, .parquet or .safetensors file
    #[arg(long, value_name = "FILE", value_parser = answers_file, requires = "data", conflicts_with_all = ["images", "json"])]
    pub(crate) soft_labels: Option<PathBuf>,
    /// With --soft-labels: folder with train.csv and Images/
    #[arg(long, value_name = "DIR", requires = "soft_labels")]
    pub(crate) data: Option<PathBuf>,
    /// With --soft-labels: run folder to use, calibrated on its validation split [default: --bundle]
    #[arg(long, value_name = "DIR", requires = "soft_labels", conflicts_with = "bundle")]
    pub(crate) run: Option<PathBuf>,
    /// With --soft-labels: 1, or 2 to average each poster and its mirror image
    #[arg(
        long,
        value_name = "N",
        requires = "soft_labels",
        default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=2)
    )]
    pub(crate) views: u8,
}

#[derive(Args)]
#[command(after_help = PREDICT_EXAMPLES)]
pub(crate) struct PredictArgs {
    /// JPEG, PNG, WebP or GIF files, or folders of them
    #[arg(required_unless_present_any = ["list", "soft_labels"])]
    pub(crate) images: Vec<PathBuf>,
    /// Also take the files and folders in this list, one per line; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Bundle folder
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) soft_labels: SoftLabelsArgs,
    /// Number of genres to print per image
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) top: usize,
    /// Print a JSON array of {image, genres} or {image, error}
    #[arg(long)]
    pub(crate) json: bool,
    /// Print such objects as JSON lines
    #[arg(long, conflicts_with = "json")]
    pub(crate) json_lines: bool,
    /// Also write all probabilities to this .csv, .parquet or .safetensors file, with file names as ids
    #[arg(long, value_name = "FILE", value_parser = answers_file)]
    pub(crate) save_answers: Option<PathBuf>,
    /// Images to classify at the same time on the CPU [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Device: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceArg,
}

impl PredictArgs {
    pub(crate) fn format(&self) -> PredictionFormat {
        match (self.json, self.json_lines) {
            (true, _) => PredictionFormat::JsonArray,
            (_, true) => PredictionFormat::JsonLines,
            _ => PredictionFormat::Text,
        }
    }

    /// Returns the number of threads that classify.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(rayon::current_num_threads, NonZeroUsize::get)
    }
}

/// The format in which `predict` prints.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum PredictionFormat {
    /// A line per image; errors go to standard error.
    Text,
    /// One JSON array of all images.
    JsonArray,
    /// A JSON object per line.
    JsonLines,
}

const STUDY_EXAMPLES: &str = "\
Examples:
  # Both experiments with the default settings, on the test split
  trainer study --data posters
  # Compare settings on the validation split
  trainer study --data posters --split validation --experiment new-genre --pull 0.5";

#[derive(Args)]
#[command(after_help = STUDY_EXAMPLES)]
pub(crate) struct StudyArgs {
    /// Bundle to fine-tune
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// Folder of the posters that the bundle was trained on; only held-out posters are used
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Held-out split to use
    #[arg(long, alias = "side", value_name = "SPLIT", default_value = "test")]
    pub(crate) split: HeldOutSplit,
    /// Trials of each experiment, with different random seeds
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) seeds: u64,
    /// Run only this experiment [default: both]
    #[arg(long, alias = "only", value_name = "EXPERIMENT")]
    pub(crate) experiment: Option<Experiment>,
    #[command(flatten)]
    pub(crate) flags: FineTuneFlags,
    /// Also write the table to this JSON file
    #[arg(long, value_name = "FILE", value_parser = output_file)]
    pub(crate) json: Option<PathBuf>,
    /// Leave out posters whose image is missing or damaged
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Device: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: DeviceArg,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Experiment {
    /// Remove a genre from the head and learn it again from a few posters
    #[value(alias = "again")]
    NewGenre,
    /// Adapt the model to greyscale posters
    #[value(alias = "grey")]
    Greyscale,
}

/// The posters that a training did not learn from.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum HeldOutSplit {
    /// The posters that chose the best epoch; use them to choose settings
    #[value(alias = "valid")]
    Validation,
    /// The posters that nothing was fitted on; use them for final results
    Test,
}

impl std::fmt::Display for HeldOutSplit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}
