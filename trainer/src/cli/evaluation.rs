//! Options of `evaluate`, `predict` and `study`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DeviceArg;
use super::fine_tune::FineTuneFlags;
use crate::formats::answers::Answers;

/// The model that `evaluate` and `export` work on.
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

const EVALUATE_EXAMPLES: &str = "\
Examples:
  # Metrics of a run on its own test split
  trainer evaluate --run runs/mine
  # The same as an HTML page, with the posters of the worst mistakes, and as JSON
  trainer evaluate --run runs/mine --report report --with-images --json metrics.json
  # A bundle on a run's test split
  trainer evaluate --bundle www/model --data posters --only runs/mine/test.txt";

const EVALUATE_USAGE: &str = "\
trainer evaluate --run <DIR> [OPTIONS]
       trainer evaluate --bundle <DIR> --data <DIR> [OPTIONS]";

#[derive(Args)]
#[command(after_help = EVALUATE_EXAMPLES, override_usage = EVALUATE_USAGE)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    pub(crate) source: ModelSource,
    /// Folder with train.csv and Images/ [default: the run's own]
    #[arg(long, value_name = "DIR", required_unless_present = "run")]
    pub(crate) data: Option<PathBuf>,
    /// Use only the poster ids in this file, one per line [default: the run's test split]
    #[arg(long, value_name = "FILE")]
    pub(crate) only: Option<PathBuf>,
    /// Also write all metrics to this JSON file
    #[arg(long, value_name = "FILE")]
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

Results come in the order of the arguments; a folder's files are sorted by name. An image that cannot be
classified is an error in its place; the others go on, and the exit status is 1 at the end.";

#[derive(Args)]
#[command(after_help = PREDICT_EXAMPLES)]
pub(crate) struct PredictArgs {
    /// JPEG, PNG, WebP or GIF files, or folders of them
    #[arg(required_unless_present = "list")]
    pub(crate) images: Vec<PathBuf>,
    /// Also take the files and folders in this list, one per line; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Bundle folder
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// Number of genres to print per image
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) top: usize,
    /// Print a JSON array of {image, genres} or {image, error}
    #[arg(long)]
    pub(crate) json: bool,
    /// Print such objects as JSON lines
    #[arg(long, conflicts_with = "json")]
    pub(crate) json_lines: bool,
    /// Also write all probabilities to this .csv or .safetensors file, with file names as ids
    #[arg(long, value_name = "FILE", value_parser = parse_answers)]
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

/// Checks the ending of a file of answers.
fn parse_answers(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if !Answers::is_file_name(&path) {
        return Err("the name must end in .csv or .safetensors".into());
    }
    Ok(path)
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
    #[arg(long, value_name = "FILE")]
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
