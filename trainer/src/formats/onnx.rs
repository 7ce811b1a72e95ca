//! ONNX export: a graph from posters to calibrated probabilities `[N, genres]`, for other inference engines.
//!
//! | file | contents |
//! |---|---|
//! | `input` | the input: normalised floats, or 8-bit pixels with the normalisation in the graph |
//! | `graph` | the nodes of each architecture |
//! | `weights` | the constants, in full or half precision or in 8 bits |
//! | `metadata` | how to prepare a poster, and how to read the output |
//! | `proto` | the messages of the file format |

mod fold;
mod graph;
mod input;
mod metadata;
mod proto;
mod weights;

use anyhow::Result;
use marquee::Bundle;
use prost::Message;

use graph::GraphBuilder;
pub(crate) use input::OnnxInput;
use proto::{Dimension, OperatorSet, Shape, TensorType, Type, ValueInfo};
pub(crate) use weights::OnnxWeights;

const OUTPUT: &str = "probabilities";

/// The oldest operator set in which all operators of the graph have the form used here.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 8;

/// ONNX's codes of element types.
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const FLOAT16: i32 = 10;

/// Variants of the file.
#[derive(Clone, Copy, Default)]
pub(crate) struct OnnxOptions {
    pub(crate) input: OnnxInput,
    pub(crate) weights: OnnxWeights,
}

/// Returns the bytes of an ONNX file that computes the same probabilities as `bundle`, but for the rounding of
/// weights that `options` asks for.
///
/// # Errors
/// Fails if a tensor cannot be read back from its device.
pub(crate) fn encode(bundle: &Bundle, options: OnnxOptions) -> Result<Vec<u8>> {
    let Bundle { manifest, model } = bundle;
    let mut builder = GraphBuilder::new(model, options.weights)?;
    let normalised = builder.normalised(options.input, &manifest.input);
    let output = input_or_output(OUTPUT, FLOAT, &[manifest.genres.len() as i64]);
    let graph = builder.build(
        model,
        manifest,
        &normalised,
        options.input.declare(&manifest.input),
        output,
    )?;
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: "marquee".into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props: metadata::entries(manifest, options)?,
    };
    Ok(model.encode_to_vec())
}

/// Describes an input or output of `[N, sizes...]` elements, for any batch size N.
fn input_or_output(name: &str, elem_type: i32, sizes: &[i64]) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some("N".into()) };
    let sizes = sizes.iter().map(|&size| Dimension { dim_value: Some(size), dim_param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(sizes).collect() };
    let tensor_type = TensorType { elem_type, shape: Some(shape) };
    ValueInfo { name: name.into(), kind: Some(Type { tensor_type: Some(tensor_type) }) }
}
