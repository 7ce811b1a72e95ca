//! The crate's native tests, in one program: linking Burn into a test program takes longer than most of the tests.
//! `tests/web.rs` tests the same crate in a browser.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // panics show where a test fails

mod bundle;
#[path = "../corpus/mod.rs"]
mod corpus;
mod cpu;
mod decoding;
mod docs;
#[path = "../fixture/mod.rs"]
mod fixture;
mod fuzz;
mod golden;
mod heatmap;
#[path = "../kernels/mod.rs"]
mod kernels;
mod old_bundles;
#[path = "../../fuzz/targets.rs"]
mod targets;
mod untrusted;
