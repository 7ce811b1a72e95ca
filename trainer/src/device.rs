//! Opens the device of `--device`, or the best one that works.

use anyhow::{Result, bail};
use burn::tensor::Device;

use crate::cli::{DeviceArg, DeviceName};

/// Opens a single device, prints its name, and returns both.
///
/// # Errors
/// The device cannot be opened, or `requested` lists several.
pub(crate) fn open(requested: &DeviceArg) -> Result<(Device, String)> {
    let [one] = requested.0[..] else {
        bail!("--device: only train works on several devices; choose one")
    };
    let (device, name) = open_one(one)?;
    eprintln!("device: {name}");
    Ok((device, name))
}

/// Opens all requested devices, prints their names, and returns both.
///
/// # Errors
/// A device cannot be opened.
pub(crate) fn open_all(requested: &DeviceArg) -> Result<(Vec<Device>, String)> {
    let opened = requested.0.iter().map(|&name| open_one(name));
    let (devices, names): (Vec<_>, Vec<_>) =
        opened.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let names = names.join(" and ");
    eprintln!("device: {names}");
    Ok((devices, names))
}

fn open_one(name: DeviceName) -> Result<(Device, String)> {
    match name {
        DeviceName::Cpu => Ok(cpu()),
        DeviceName::Wgpu => wgpu(SoftwareGpu::Accept),
        DeviceName::Cuda(index) => cuda(index),
        DeviceName::Auto => {
            if cfg!(not(any(feature = "cuda", feature = "wgpu"))) {
                eprintln!(
                    "note: built without GPU support; see `--features wgpu` in docs/training.md"
                );
            }
            Ok(cuda(0).or_else(|_| wgpu(SoftwareGpu::Reject)).unwrap_or_else(|_| cpu()))
        }
    }
}

fn cpu() -> (Device, String) {
    let cores = rayon::current_num_threads();
    (Device::flex(), format!("cpu, {cores} cores"))
}

/// What to do with a GPU that is emulated on the CPU. It is slower than Burn's CPU backend, so that `auto` rejects it.
#[derive(Clone, Copy, PartialEq)]
enum SoftwareGpu {
    Accept,
    Reject,
}

#[cfg(feature = "wgpu")]
fn wgpu(software: SoftwareGpu) -> Result<(Device, String)> {
    use burn::tensor::wgpu::wgpu::DeviceType;

    let opened = catch_panic(|| Device::wgpu_options().init_with_setup());
    let (device, setup) = match opened {
        Some(Ok(opened)) => opened,
        Some(Err(error)) => bail!("--device wgpu: no GPU can be opened: {error}"),
        None => bail!("--device wgpu: the graphics driver failed to start"),
    };
    let info = setup.adapter.get_info();
    if info.device_type == DeviceType::Cpu && software == SoftwareGpu::Reject {
        bail!("--device wgpu: {} is emulated on the CPU", info.name);
    }
    Ok((device, format!("wgpu, {} ({})", info.name, info.backend)))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_software: SoftwareGpu) -> Result<(Device, String)> {
    bail!("--device wgpu: this trainer was built without wgpu; build it with --features wgpu")
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<(Device, String)> {
    // The CUDA libraries are loaded on first use, which panics if they are missing.
    let opened = catch_panic(|| {
        let device = Device::cuda(index);
        device.sync().map(|()| device)
    });
    match opened {
        Some(Ok(device)) => Ok((device, format!("cuda:{index}"))),
        Some(Err(error)) => bail!("--device cuda: the GPU cannot be opened: {error:?}"),
        None => bail!("--device cuda: no NVIDIA driver or GPU was found"),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_index: usize) -> Result<(Device, String)> {
    bail!("--device cuda: this trainer was built without CUDA; build it with --features cuda")
}

/// Calls code that may panic in a driver, and returns `None` if it did. The panic's message is not printed.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn catch_panic<T>(open: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)).ok();
    std::panic::set_hook(hook);
    opened
}
