//! The wasm package `cpu-relaxed`: the same as `cpu`, with relaxed SIMD.

#[cfg(target_arch = "wasm32")]
extern crate marquee as _;
