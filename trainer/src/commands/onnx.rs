//! `trainer onnx`: writes a bundle as an ONNX file.

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::Bundle;
use marquee::bundle::write_atomically;

use crate::cli::{OnnxArgs, OnnxWeightsArg};
use crate::formats::onnx::{self, OnnxInput, OnnxOptions, OnnxWeights};

pub(crate) fn run(args: &OnnxArgs) -> Result<()> {
    let bundle = Bundle::read(&args.bundle, &Device::flex())
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;
    let options = OnnxOptions {
        input: if args.uint8 { OnnxInput::Pixels } else { OnnxInput::Normalised },
        weights: match args.weights {
            OnnxWeightsArg::Full => OnnxWeights::Full,
            OnnxWeightsArg::Half => OnnxWeights::Half,
            OnnxWeightsArg::Int8 => OnnxWeights::Int8,
        },
    };
    let onnx = onnx::encode(&bundle, options)?;
    write_atomically(&args.out, &onnx).with_context(|| format!("--out {}", args.out.display()))?;
    println!("{}: {:.1} MB", args.out.display(), onnx.len() as f64 / 1e6);
    Ok(())
}
