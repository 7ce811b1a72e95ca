//! `trainer onnx`: writes a bundle as an ONNX file.

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::Bundle;
use marquee::bundle::write_atomically;

use crate::cli::OnnxArgs;
use crate::formats::onnx;

pub(crate) fn run(args: &OnnxArgs) -> Result<()> {
    let bundle = Bundle::read(&args.bundle, &Device::flex())
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;
    write_atomically(&args.out, &onnx::encode(&bundle)?)
        .with_context(|| format!("--out {}", args.out.display()))?;
    println!("written to {}", args.out.display());
    Ok(())
}
