//! Options of `export` and `onnx`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output_file::output_file;
use super::{DeviceArg, ModelSource};

const EXPORT_EXAMPLES: &str = "\
Examples:
  # A run
  trainer export --run runs/mine --out www/model
  # The mean of two runs' weights (a model soup)
  trainer export --run runs/a --run runs/b --out runs/soup
  # An exported bundle at another input size; fits calibration and thresholds again
  trainer export --bundle www/model --data posters --input 208x312 --out runs/larger";

const EXPORT_USAGE: &str = "\
trainer export --run <DIR> --out <DIR> [OPTIONS]
       trainer export --bundle <DIR> --data <DIR> --out <DIR> [OPTIONS]";

#[derive(Args)]
#[command(after_help = EXPORT_EXAMPLES, override_usage = EXPORT_USAGE)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) source: ModelSource,
    /// With --bundle: folder of the posters that the bundle was trained on
    #[arg(long, value_name = "DIR", required_unless_present = "run", conflicts_with = "run")]
    pub(crate) data: Option<PathBuf>,
    /// With --bundle: folder of the additional posters that it was trained on, for their test split; repeatable
    #[arg(long, value_name = "DIR", conflicts_with = "run")]
    pub(crate) also: Vec<PathBuf>,
    /// With --bundle: new input size in pixels, such as 192x288
    #[arg(long, value_name = "WIDTHxHEIGHT", conflicts_with = "run", value_parser = parse_size)]
    pub(crate) input: Option<[u32; 2]>,
    /// With --bundle: leave out posters whose image is missing or damaged
    #[arg(long, conflicts_with = "run")]
    pub(crate) skip_bad: bool,
    /// Bundle folder to write, such as www/model
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Precision of the stored weights
    #[arg(long, value_name = "PRECISION", value_enum, default_value_t)]
    pub(crate) weights: WeightsArg,
    /// Also write the model to this ONNX file, for other inference engines
    #[arg(long, value_name = "FILE", value_parser = output_file)]
    pub(crate) onnx: Option<PathBuf>,
    /// Licence and rights to record in the bundle [default: those of the default data and weights]
    #[arg(long, value_name = "TEXT")]
    pub(crate) licence: Option<String>,
    /// Device for calibration and evaluation: auto, cpu, wgpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceArg,
}

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub(crate) enum WeightsArg {
    /// The first of compact, int8 and half that costs less than 0.002 of mean average precision
    #[default]
    Auto,
    /// Half precision (16-bit floats)
    Half,
    /// 8-bit integers
    Int8,
    /// 8-bit integers; layers with 4,000 weights or more use few different ones, the fewer the larger the layer, rounded by
    /// how their inputs vary on posters: as large as int8, but two fifths smaller once compressed
    Compact,
}

impl WeightsArg {
    /// Whether compact weights are made, which takes training posters.
    pub(crate) fn may_be_compact(self) -> bool {
        matches!(self, Self::Auto | Self::Compact)
    }
}

/// Parses a size such as `192x288` into width and height, both at least 1.
fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once('x').and_then(|(width, height)| {
        Some([width.parse().ok()?, height.parse().ok()?]).filter(|sides| !sides.contains(&0))
    });
    sides.ok_or_else(|| "expected WIDTHxHEIGHT, such as 192x288".into())
}

const ONNX_EXAMPLES: &str = "\
Examples:
  trainer onnx --bundle www/model --out model.onnx
  # A quarter of the size, and an input that image libraries fill directly
  trainer onnx --uint8 --weights int8 --out model.onnx

The graph maps posters to probabilities [N, genres]. Its metadata holds the genres and their
thresholds, and how a poster is prepared: size, filter, orientation, transparency, mean and
standard deviation.";

#[derive(Args)]
#[command(after_help = ONNX_EXAMPLES)]
pub(crate) struct OnnxArgs {
    /// Bundle folder
    #[arg(long, value_name = "DIR", default_value = "www/model")]
    pub(crate) bundle: PathBuf,
    /// ONNX file to write
    #[arg(long, value_name = "FILE", value_parser = output_file)]
    pub(crate) out: PathBuf,
    /// Take 8-bit pixels [N, height, width, 3] and normalise them in the graph [default: normalised
    /// floats [N, 3, height, width]]
    #[arg(long)]
    pub(crate) uint8: bool,
    /// Precision of the stored weights; all engines compute in 32-bit floats
    #[arg(long, value_name = "PRECISION", value_enum, default_value_t)]
    pub(crate) weights: OnnxWeightsArg,
}

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub(crate) enum OnnxWeightsArg {
    /// 32-bit floats
    #[default]
    Full,
    /// 16-bit floats
    Half,
    /// 8-bit integers, with a scale per output channel
    Int8,
}
