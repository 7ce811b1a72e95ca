//! Files of other programs: pretrained PyTorch weights in, ONNX out, answers and Parquet both ways.

pub(crate) mod answers;
pub(crate) mod onnx;
pub(crate) mod parquet;
pub(crate) mod pretrained;
pub(crate) mod table_format;
