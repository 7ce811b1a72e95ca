//! `trainer unpack`: unpacks a Parquet table of labelled posters into a folder that the other commands read.

use anyhow::{Result, ensure};

use crate::cli::UnpackArgs;
use crate::data::unpack::{Columns, unpack};

pub(crate) fn run(args: &UnpackArgs) -> Result<()> {
    let out = &args.out;
    ensure!(
        !out.join("train.csv").exists(),
        "{} already holds posters: choose another --out",
        out.display()
    );
    unpack(&args.table, out, Columns { id: &args.id, image: &args.image })
}
