//! Tools that building and testing need. What is installed is used; what is missing is installed beside the build, in the
//! target folder, except for the wasm32 target and Debian's packages, which only the system can hold.

mod cargo_tool;
mod node;
mod python;
mod python_environment;
mod wasm_target;

pub(crate) use cargo_tool::{
    cargo_deny, cargo_fuzz, install_wasm_pack, path_with_tools, wasm_pack,
};
pub(crate) use node::node_packages;
pub(crate) use python::{imagenet_wheels, onnx_packages};
pub(crate) use python_environment::{PythonEnvironment, python_environment};
pub(crate) use wasm_target::{WasmToolchain, wasm_toolchain};
