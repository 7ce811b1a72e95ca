//! The JavaScript API, the only place with JavaScript types: it converts and delegates.
//!
//! | file | contents |
//! |---|---|
//! | `classifier` | `Classifier` |
//! | `fine_tuner` | `FineTuner` (with the feature `autodiff`) |
//! | `labels` | `readLabels` |
//! | `device` | device names, and opening WebGPU |
//! | `digest` | SHA-256 by the browser |
//! | `options` | options from JavaScript, checked |
//! | `contents` | files from JavaScript: bytes, or a `Blob` |
//! | `convert` | errors to JavaScript |

mod classifier;
mod contents;
mod convert;
mod device;
mod digest;
#[cfg(feature = "autodiff")]
mod fine_tuner;
mod labels;
mod options;

use wasm_bindgen::prelude::*;

pub use classifier::Classifier;
#[cfg(feature = "webgpu")]
pub use device::open_webgpu;
#[cfg(feature = "autodiff")]
pub use fine_tuner::FineTuner;
pub use labels::read_labels;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}
