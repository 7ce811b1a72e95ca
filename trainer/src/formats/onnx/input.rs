//! The graph's input.

use marquee::Preprocess;

use super::graph::{GraphBuilder, int, ints};
use super::proto::ValueInfo;
use super::{FLOAT, UINT8, input_or_output};

/// Name of the input.
const INPUT: &str = "posters";

/// What the graph takes.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum OnnxInput {
    /// Normalised floats, `[N, 3, height, width]`.
    #[default]
    Normalised,
    /// Pixels as image libraries hold them, `[N, height, width, 3]`: red, green and blue, 8 bits each.
    Pixels,
}

impl OnnxInput {
    /// Declares the input of a model that takes posters of this size.
    pub(super) fn declare(self, input: &Preprocess) -> ValueInfo {
        let (height, width) = (input.height.into(), input.width.into());
        match self {
            Self::Normalised => input_or_output(INPUT, FLOAT, &[3, height, width]),
            Self::Pixels => input_or_output(INPUT, UINT8, &[height, width, 3]),
        }
    }
}

impl GraphBuilder {
    /// Adds the nodes that normalise the input, if it needs any. Returns the name of the normalised posters,
    /// `[N, 3, height, width]`.
    pub(super) fn normalised(&mut self, kind: OnnxInput, input: &Preprocess) -> String {
        if kind == OnnxInput::Normalised {
            return INPUT.into();
        }
        // The same multiplication and addition as in `Preprocess::normalise`.
        let scale = input.std.map(|std| 1.0 / (255.0 * std));
        let shift = [0, 1, 2].map(|channel| -input.mean[channel] / input.std[channel]);
        self.constant("input.scale", &[1, 3, 1, 1], &scale);
        self.constant("input.shift", &[1, 3, 1, 1], &shift);
        let floats = self.node("Cast", &[INPUT], vec![int("to", FLOAT.into())]);
        let planes = self.node("Transpose", &[&floats], vec![ints("perm", &[0, 3, 1, 2])]);
        let scaled = self.node("Mul", &[&planes, "input.scale"], Vec::new());
        self.node("Add", &[&scaled, "input.shift"], Vec::new())
    }
}
