//! Tests of the `trainer` command line. All are in one program, because linking Burn takes longer than running most of
//! them.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a failing test should say where

mod additional;
mod cli;
#[path = "../../../tests/corpus/mod.rs"]
mod corpus;
mod determinism;
#[cfg(unix)] // it runs a shell
mod docs;
mod efficientnet;
mod evaluation;
mod fetch;
mod fine_tune;
mod help;
#[cfg(unix)] // it sends SIGKILL
mod interruptions;
#[cfg(target_os = "linux")] // it reads peak memory from /proc
mod memory;
mod onnx;
mod parquet;
mod predict;
mod resuming;
mod settings;
mod small_data;
mod sweep;
mod synthetic_posters;
mod teachers;
mod training;
mod untrusted;
