//! The wasm package `teach`: the JavaScript API of the crate `marquee`, with this package's features.

#[cfg(target_arch = "wasm32")]
extern crate marquee as _;
