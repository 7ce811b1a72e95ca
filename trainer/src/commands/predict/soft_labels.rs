//! `trainer predict --soft-labels`: the probabilities for all posters of a folder, as soft labels for other trainings.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;

use crate::cli::PredictArgs;
use crate::data::dataset::Dataset;
use crate::teachers::Teacher;

/// Classifies the posters of `--data` and writes the file at `path`.
///
/// # Errors
/// The model or the folder cannot be read, or the file cannot be written.
pub(super) fn write(args: &PredictArgs, path: &Path, device: &Device) -> Result<()> {
    let options = &args.soft_labels;
    let data = options.data.as_deref().context("--soft-labels needs --data")?;
    let dataset = Dataset::read(data, None)?;
    let teacher = Teacher::open(options.run.as_deref().unwrap_or(&args.bundle), device)?;
    let table = teacher.predict(&dataset, options.views == 2)?;
    table.write(path)?;
    println!("soft labels of {} posters written to {}", table.rows.len(), path.display());
    Ok(())
}
