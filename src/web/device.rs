//! The devices that a page can choose, and opening WebGPU.

#[cfg(feature = "webgpu")]
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::error::Error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The device on which a model runs. */
export type DeviceName = "cpu" | "webgpu";
"#;

/// The device on which a model runs.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeviceName {
    Cpu,
    Webgpu,
}

/// The device of a classifier or fine-tuner whose options name none.
pub(super) const DEFAULT_DEVICE: DeviceName =
    if cfg!(feature = "webgpu") { DeviceName::Webgpu } else { DeviceName::Cpu };

/// Returns the error for a device that this build lacks; `package` is the one that has it.
#[cfg(any(not(feature = "webgpu"), all(feature = "autodiff", not(feature = "flex"))))]
pub(super) fn not_built(device: &'static str, package: &str) -> Error {
    Error::Device { device, reason: format!("this package was built without it; load {package}/") }
}

// CubeCL's compiler registers its operations in some thousand constructors. Unless a module calls the constructors
// itself, the linker assumes a command that runs once, and calls them at the start of every exported function. Those
// include wasm-bindgen's own functions, which WebGPU calls several times per dispatch: without the call below, the
// constructors took two thirds of the time to classify a poster.
#[cfg(feature = "webgpu")]
#[allow(unsafe_code)] // there is no safe way to name a symbol that the linker generates
unsafe extern "C" {
    // Safe: it takes no arguments, and may be called more than once.
    safe fn __wasm_call_ctors();
}

/// The browser's GPU.
#[cfg(feature = "webgpu")]
#[derive(Clone)]
pub(super) struct Gpu {
    pub(super) device: Device,
    /// Most bytes of a buffer that a shader reads or writes.
    pub(super) largest_buffer: u64,
}

/// Opens WebGPU and returns it as a Burn device.
///
/// # Errors
/// [`Error::Device`] if the browser has no WebGPU, or no adapter for it.
#[cfg(feature = "webgpu")]
pub async fn open_webgpu() -> Result<Device, Error> {
    Ok(open_gpu().await?.device)
}

/// Opens WebGPU. Burn can initialise a GPU only once per process, so later calls return the same device.
///
/// # Errors
/// Those of [`open_webgpu`].
#[cfg(feature = "webgpu")]
pub(super) async fn open_gpu() -> Result<Gpu, Error> {
    use std::cell::RefCell;

    use burn_wgpu::graphics::AutoGraphicsApi;
    use burn_wgpu::{RuntimeOptions, WgpuDevice, WgpuInitError, try_init_setup_async};

    thread_local! {
        static OPEN: RefCell<Option<Gpu>> = const { RefCell::new(None) };
    }
    if let Some(gpu) = OPEN.with_borrow(Clone::clone) {
        return Ok(gpu);
    }
    __wasm_call_ctors();
    let failed =
        |error: WgpuInitError| Error::Device { device: "WebGPU", reason: error.to_string() };
    let device = WgpuDevice::default();
    let options = RuntimeOptions::try_default().map_err(failed)?;
    let setup = try_init_setup_async::<AutoGraphicsApi>(&device, options).await.map_err(failed)?;
    let limits = setup.device.limits();
    let largest_buffer = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let gpu = Gpu { device: device.into(), largest_buffer };
    OPEN.set(Some(gpu.clone()));
    Ok(gpu)
}
