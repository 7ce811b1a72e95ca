//! Files of other programs: pretrained PyTorch weights in, ONNX out.

pub(crate) mod onnx;
pub(crate) mod pretrained;
