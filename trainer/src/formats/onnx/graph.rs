//! The nodes of the ONNX graph, built from the architecture and the tensors of a model.

use std::collections::HashMap;

use anyhow::{Context, Result};
use marquee::architecture::efficientnet_lite::BlockPlan;
use marquee::architecture::seed_cnn::{EPSILON, NORM_TENSORS};
use marquee::{Manifest, Model};

use super::fold::fold_hidden_norm;
use super::proto::{Attribute, Graph, Node, Tensor, ValueInfo};
use super::{OUTPUT, OnnxWeights};

/// Collects the nodes and constant tensors of a graph.
pub(super) struct GraphBuilder {
    nodes: Vec<Node>,
    pub(super) tensors: Vec<Tensor>,
    /// Shapes of the model's tensors and of the other constants, by name.
    pub(super) shapes: HashMap<String, Vec<i64>>,
}

impl GraphBuilder {
    /// Starts a graph whose constants are the model's tensors.
    ///
    /// # Errors
    /// Fails if a tensor cannot be read back from its device.
    pub(super) fn new(model: &Model, weights: OnnxWeights) -> Result<Self> {
        let mut builder = Self { nodes: Vec::new(), tensors: Vec::new(), shapes: HashMap::new() };
        for tensor in fold_hidden_norm(model.tensors()?)? {
            builder.stored(&tensor, weights);
        }
        Ok(builder)
    }

    /// Adds the model, which runs on `normalised`, and its calibration. Returns the finished graph.
    pub(super) fn build(
        mut self,
        model: &Model,
        manifest: &Manifest,
        normalised: &str,
        input: ValueInfo,
        output: ValueInfo,
    ) -> Result<Graph> {
        let logits = match model {
            Model::EfficientNetLite(_) => {
                self.efficientnet_lite(normalised, &manifest.architecture.blocks())
            }
            Model::SeedCnn(_) => self.seed_cnn(normalised)?,
        };
        self.constant("temperature", &[], &[manifest.temperature]);
        let calibrated = self.node("Div", &[&logits, "temperature"], Vec::new());
        self.named_node("Sigmoid", &[&calibrated], OUTPUT, Vec::new());
        Ok(Graph {
            node: self.nodes,
            name: manifest.architecture.name().into(),
            initializer: self.tensors,
            input: vec![input],
            output: vec![output],
        })
    }

    /// Returns the shape of a constant.
    fn shape(&self, name: &str) -> Option<&[i64]> {
        self.shapes.get(name).map(Vec::as_slice)
    }

    /// Adds a node and returns the name of its output.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.named_node(operator, inputs, &output, attributes);
        output
    }

    pub(super) fn named_node(
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
        // Weights are [outputs, inputs / groups, K, K], so a depthwise layer has a second dimension of 1.
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

    fn efficientnet_lite(&mut self, input: &str, blocks: &[BlockPlan]) -> String {
        self.constant("zero", &[], &[0.0]);
        self.constant("six", &[], &[6.0]);
        let mut x = self.conv_relu6(input, "stem", 2);
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
        // SAME_UPPER puts the odd pixel of padding at the end, as TensorFlow does.
        let y = self.conv(x, path, stride, "SAME_UPPER");
        self.node("Clip", &[&y, "zero", "six"], Vec::new())
    }

    fn seed_cnn(&mut self, input: &str) -> Result<String> {
        let blocks = (0..).take_while(|b| self.shape(&format!("blocks.{b}.conv.weight")).is_some());
        let blocks = blocks.count();
        let mut x = input.to_owned();
        for block in 0..blocks {
            let path = format!("blocks.{block}");
            let y = self.conv(&x, &format!("{path}.conv"), 1, "VALID");
            let y = self.node("Relu", &[&y], Vec::new());
            let norm = NORM_TENSORS.map(|name| format!("{path}.norm.{name}"));
            let [gamma, beta, mean, variance] = norm.each_ref().map(String::as_str);
            self.shape(gamma).with_context(|| format!("the model has no tensor {gamma}"))?;
            let inputs = [y.as_str(), gamma, beta, mean, variance];
            let y = self.node("BatchNormalization", &inputs, vec![float("epsilon", EPSILON)]);
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

pub(super) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(value), kind: 2, ..Attribute::default() }
}

fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: Some(value.into()), kind: 3, ..Attribute::default() }
}

pub(super) fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: values.into(), kind: 7, ..Attribute::default() }
}
