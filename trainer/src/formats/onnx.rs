//! ONNX export: the graph maps normalised posters `[N, 3, height, width]` to calibrated probabilities `[N, genres]`.

mod fold;
mod graph;
mod proto;

use anyhow::Result;
use marquee::{Bundle, Manifest};
use prost::Message;

use graph::GraphBuilder;
use proto::{Dimension, Entry, OperatorSet, Shape, TensorType, Type, ValueInfo};

const INPUT: &str = "posters";
const OUTPUT: &str = "probabilities";

/// The oldest operator set in which all operators of the graph have the form used here.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 8;

/// ONNX's code of 32-bit floats.
const FLOAT: i32 = 1;

/// Returns the bytes of an ONNX file that computes the same probabilities as `bundle`.
///
/// # Errors
/// Fails if a tensor cannot be read back from its device.
pub(crate) fn encode(bundle: &Bundle) -> Result<Vec<u8>> {
    let Bundle { manifest, model } = bundle;
    let graph = GraphBuilder::new(model)?.build(
        model,
        manifest,
        input_or_output(INPUT, &[3, manifest.input.height.into(), manifest.input.width.into()]),
        input_or_output(OUTPUT, &[manifest.genres.len() as i64]),
    )?;
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: "marquee".into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props: metadata(manifest)?,
    };
    Ok(model.encode_to_vec())
}

/// Returns the metadata for preparing the input and reading the output.
fn metadata(manifest: &Manifest) -> Result<Vec<Entry>> {
    let names: Vec<&str> = manifest.genres.iter().map(|genre| genre.name.as_str()).collect();
    let thresholds: Vec<f32> = manifest.genres.iter().map(|genre| genre.threshold).collect();
    let entries = [
        ("genres", serde_json::to_string(&names)?),
        ("thresholds", serde_json::to_string(&thresholds)?),
        ("mean", serde_json::to_string(&manifest.input.mean)?),
        ("std", serde_json::to_string(&manifest.input.std)?),
        ("licence", manifest.training.licence.clone()),
    ];
    Ok(entries.map(|(key, value)| Entry { key: key.into(), value }).into())
}

/// Describes an input or output of `[N, sizes...]` floats, for any batch size N.
fn input_or_output(name: &str, sizes: &[i64]) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some("N".into()) };
    let sizes = sizes.iter().map(|&size| Dimension { dim_value: Some(size), dim_param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(sizes).collect() };
    let tensor_type = TensorType { elem_type: FLOAT, shape: Some(shape) };
    ValueInfo { name: name.into(), kind: Some(Type { tensor_type: Some(tensor_type) }) }
}
