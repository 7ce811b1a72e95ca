//! The subcommands, one file each.

pub(crate) mod config;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod fine_tune;
pub(crate) mod labels;
pub(crate) mod onnx;
pub(crate) mod predict;
pub(crate) mod study;
pub(crate) mod sweep;
pub(crate) mod train;
pub(crate) mod unpack;
