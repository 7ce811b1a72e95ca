//! `trainer labels`: prints the true genres of one poster.

use anyhow::{Result, bail};

use crate::cli::LabelsArgs;
use crate::data::dataset::Dataset;

pub(crate) fn run(args: &LabelsArgs) -> Result<()> {
    let dataset = Dataset::read(&args.data, None)?;
    let Some(row) = dataset.rows.iter().find(|row| row.id == args.id) else {
        let csv = args.data.join("train.csv");
        bail!("{}: none of the {} rows has Id {}", csv.display(), dataset.rows.len(), args.id);
    };
    let genres = dataset.genres.iter().zip(&row.labels).filter(|(_, label)| **label == Some(true));
    println!("{}", genres.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
    Ok(())
}
