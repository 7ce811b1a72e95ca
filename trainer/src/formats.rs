//! Files of other programs: pretrained PyTorch weights in, ONNX out, answers both ways.

pub(crate) mod answers;
pub(crate) mod onnx;
pub(crate) mod pretrained;
