//! `trainer fetch`: downloads labelled posters and unpacks them into a folder to train from.

use anyhow::Result;

use crate::cli::FetchArgs;
use crate::data::dataset::Dataset;
use crate::data::fetch::{self, Request};

pub(crate) fn run(args: &FetchArgs) -> Result<()> {
    let request = Request {
        dataset: &args.dataset,
        url: args.url.as_deref(),
        sha256: args.sha256.as_deref(),
        timeout: std::time::Duration::from_secs(args.timeout),
    };
    let Dataset { genres, rows, .. } = fetch::fetch(&request, &args.out)?;
    println!("{} rows with {} genres", rows.len(), genres.len());
    println!("next: trainer train --data {} --out runs/mine", args.out.display());
    Ok(())
}
