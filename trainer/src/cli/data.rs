//! Options of `fetch`, `unpack` and `labels`.

use std::path::PathBuf;

use clap::Args;

use crate::data::unpack::Columns;

const FETCH_EXAMPLES: &str = "\
Examples:
  # Kaggle's default dataset
  trainer fetch --out posters
  # Any zip archive that contains train.csv and Images/
  trainer fetch --url https://example.org/posters.zip --out posters

Kaggle credentials come from KAGGLE_USERNAME and KAGGLE_KEY or from ~/.kaggle/kaggle.json.
An interrupted download resumes when you repeat the command.";

#[derive(Args)]
#[command(after_help = FETCH_EXAMPLES)]
pub(crate) struct FetchArgs {
    /// Kaggle dataset, as OWNER/NAME
    #[arg(value_name = "OWNER/NAME", default_value = "raman77768/movie-classifier")]
    pub(crate) dataset: String,
    /// Output folder; receives the archive's folder that contains train.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Download a zip archive from this URL instead; sends no credentials
    #[arg(long, conflicts_with = "dataset")]
    pub(crate) url: Option<String>,
    /// Expected SHA-256 of the archive, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// Reconnect after this many seconds without data
    #[arg(
        long,
        alias = "patience",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) timeout: u64,
}

const UNPACK_EXAMPLES: &str = "\
Examples:
  trainer unpack catalogue.parquet --out posters
  # A folder of parts, with other names of columns
  trainer unpack catalogue/ --id film --image cover --out posters

Columns whose values are all 0, 1, true, false or null become genres; other columns are ignored.
An interrupted command continues when you repeat it.";

#[derive(Args)]
#[command(after_help = UNPACK_EXAMPLES)]
pub(crate) struct UnpackArgs {
    /// Parquet file, or folder of Parquet files, with ids, image bytes and one column per genre
    #[arg(value_name = "TABLE")]
    pub(crate) table: PathBuf,
    /// Output folder; receives train.csv and Images/
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Column of ids
    #[arg(long, value_name = "COLUMN", default_value = Columns::DEFAULT.id)]
    pub(crate) id: String,
    /// Column of image bytes: JPEG, PNG or WebP
    #[arg(long, value_name = "COLUMN", default_value = Columns::DEFAULT.image)]
    pub(crate) image: String,
}

const LABELS_EXAMPLES: &str = "\
Example:
  trainer labels tt0080684 --data posters";

#[derive(Args)]
#[command(after_help = LABELS_EXAMPLES)]
pub(crate) struct LabelsArgs {
    /// Id of the poster, as in the Id column of train.csv
    pub(crate) id: String,
    /// Folder that contains train.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}
