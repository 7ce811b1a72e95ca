//! A bundle as ONNX, for every other engine: normalised posters `[N, 3, height, width]` in, probabilities
//! `[N, genres]` out, calibrated.

mod proto;

use anyhow::{Context, Result};
use burn::tensor::Device;
use marquee::architecture::efficientnet_lite::BlockPlan;
use marquee::bundle::write_atomically;
use marquee::weights::NamedTensor;
use marquee::{Bundle, Manifest, Model};
use prost::Message;

use crate::cli::OnnxArgs;
use proto::{
    Attribute, Dimension, Entry, Graph, Node, OperatorSet, Shape, Tensor, TensorType, Type,
    ValueInfo,
};

const INPUT: &str = "posters";
const OUTPUT: &str = "probabilities";

/// Of the operators below; the oldest that has them all as they are used here.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 8;
const FLOAT: i32 = 1;

pub(crate) fn run(args: &OnnxArgs) -> Result<()> {
    let bundle = Bundle::read(&args.bundle, &Device::flex())
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;
    write_atomically(&args.out, &encode(&bundle)?)
        .with_context(|| format!("--out {}", args.out.display()))?;
    println!("written to {}", args.out.display());
    Ok(())
}

/// The bytes of an ONNX file that answers as `bundle` does.
///
/// # Errors
/// Where a tensor cannot be read back from its device.
pub(crate) fn encode(bundle: &Bundle) -> Result<Vec<u8>> {
    let Bundle { manifest, model } = bundle;
    let mut builder = Builder::new(model)?;
    let logits = match model {
        Model::EfficientNetLite(_) => builder.efficientnet_lite(&manifest.architecture.blocks()),
        Model::SeedCnn(_) => builder.seed_cnn()?,
    };
    builder.constant("temperature", &[], &[manifest.temperature]);
    let calibrated = builder.node("Div", &[&logits, "temperature"], Vec::new());
    builder.node_named("Sigmoid", &[&calibrated], OUTPUT, Vec::new());

    let [width, height] = [manifest.input.width, manifest.input.height].map(i64::from);
    let graph = Graph {
        node: builder.nodes,
        name: manifest.architecture.name().into(),
        initializer: builder.tensors,
        input: vec![value(INPUT, &[3, height, width])],
        output: vec![value(OUTPUT, &[manifest.genres.len() as i64])],
    };
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: "marquee".into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props: metadata(manifest)?,
    };
    Ok(model.encode_to_vec())
}

/// What an engine's user needs beside the graph.
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

/// A batch of any size.
fn value(name: &str, sizes: &[i64]) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some("N".into()) };
    let sizes = sizes.iter().map(|&size| Dimension { dim_value: Some(size), dim_param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(sizes).collect() };
    let tensor_type = TensorType { elem_type: FLOAT, shape: Some(shape) };
    ValueInfo { name: name.into(), kind: Some(Type { tensor_type: Some(tensor_type) }) }
}

struct Builder {
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
}

impl Builder {
    fn new(model: &Model) -> Result<Self> {
        let mut builder = Self { nodes: Vec::new(), tensors: Vec::new() };
        for NamedTensor { name, shape, values } in model.tensors()? {
            let shape: Vec<i64> = shape.into_iter().map(|size| size as i64).collect();
            builder.constant(&name, &shape, &values);
        }
        Ok(builder)
    }

    fn constant(&mut self, name: &str, shape: &[i64], values: &[f32]) {
        self.tensors.push(Tensor {
            dims: shape.into(),
            data_type: FLOAT,
            name: name.into(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
    }

    fn shape(&self, name: &str) -> Option<&[i64]> {
        self.tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.dims.as_slice())
    }

    /// Adds a node and gives the name of its output.
    fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.node_named(operator, inputs, &output, attributes);
        output
    }

    fn node_named(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<Attribute>,
    ) {
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            name: output.into(),
            op_type: operator.into(),
            attribute,
        });
    }

    fn conv(&mut self, x: &str, path: &str, stride: usize, padding: &str) -> String {
        let (weight, bias) = (format!("{path}.weight"), format!("{path}.bias"));
        // A depthwise layer's weight is [C, 1, K, K].
        let groups = match self.shape(&weight) {
            Some(&[outputs, 1, _, _]) => outputs,
            _ => 1,
        };
        let stride = stride as i64;
        let attributes = vec![
            text("auto_pad", padding),
            ints("strides", &[stride, stride]),
            int("group", groups),
        ];
        self.node("Conv", &[x, &weight, &bias], attributes)
    }

    fn linear(&mut self, x: &str, path: &str) -> String {
        self.node("Gemm", &[x, &format!("{path}.weight"), &format!("{path}.bias")], Vec::new())
    }

    fn efficientnet_lite(&mut self, blocks: &[BlockPlan]) -> String {
        self.constant("zero", &[], &[0.0]);
        self.constant("six", &[], &[6.0]);
        let mut x = self.conv_relu6(INPUT, "stem", 2);
        for block in blocks {
            let path = &block.path;
            let mut hidden = x.clone();
            if block.expands() {
                hidden = self.conv_relu6(&hidden, &format!("{path}.expand"), 1);
            }
            hidden = self.conv_relu6(&hidden, &format!("{path}.depthwise"), block.stride);
            let y = self.conv(&hidden, &format!("{path}.project"), 1, "SAME_UPPER");
            x = if block.is_residual() { self.node("Add", &[&y, &x], Vec::new()) } else { y };
        }
        x = self.conv_relu6(&x, "last", 1);
        let pooled = self.node("GlobalAveragePool", &[&x], Vec::new());
        let flat = self.node("Flatten", &[&pooled], Vec::new());
        self.linear(&flat, "head")
    }

    fn conv_relu6(&mut self, x: &str, path: &str, stride: usize) -> String {
        // The odd pixel of padding stands at the end, as with TensorFlow.
        let y = self.conv(x, path, stride, "SAME_UPPER");
        self.node("Clip", &[&y, "zero", "six"], Vec::new())
    }

    fn seed_cnn(&mut self) -> Result<String> {
        let blocks = (0..).take_while(|b| self.shape(&format!("blocks.{b}.conv.weight")).is_some());
        let blocks = blocks.count();
        let mut x = INPUT.to_owned();
        for block in 0..blocks {
            let path = format!("blocks.{block}");
            let y = self.conv(&x, &format!("{path}.conv"), 1, "VALID");
            let y = self.node("Relu", &[&y], Vec::new());
            let norm = ["gamma", "beta", "running_mean", "running_var"]
                .map(|name| format!("{path}.norm.{name}"));
            let [gamma, beta, mean, variance] = norm.each_ref().map(String::as_str);
            self.shape(gamma).context("the batch norm's tensors have other names")?;
            let inputs = [y.as_str(), gamma, beta, mean, variance];
            let y = self.node("BatchNormalization", &inputs, vec![float("epsilon", 1e-3)]);
            let pool = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
            x = self.node("MaxPool", &[&y], pool);
        }
        let flat = self.node("Flatten", &[&x], Vec::new());
        let hidden = self.linear(&flat, "hidden");
        let hidden = self.node("Relu", &[&hidden], Vec::new());
        Ok(self.linear(&hidden, "output"))
    }
}

fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.into(), f: Some(value), kind: 1, ..Attribute::default() }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(value), kind: 2, ..Attribute::default() }
}

fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: Some(value.into()), kind: 3, ..Attribute::default() }
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: values.into(), kind: 7, ..Attribute::default() }
}
