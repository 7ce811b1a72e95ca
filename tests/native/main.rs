//! The crate's native tests, in one program: each test program links all of Burn, which takes longer than most of its
//! tests. `tests/web.rs` tests the same crate in a browser.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failing test should say where

mod bundle;
#[path = "../corpus/mod.rs"]
mod corpus;
mod cpu;
mod docs;
#[path = "../fixture/mod.rs"]
mod fixture;
mod fuzz;
mod golden;
mod heatmap;
mod decoding;
#[path = "../../fuzz/targets.rs"]
mod targets;
mod untrusted;
