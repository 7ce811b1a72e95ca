//! Where to compute: the device that was asked for, or the best that works.

use anyhow::{Result, bail};
use burn::tensor::Device;

use crate::cli::DeviceArg;

/// Opens a device and says which one it is.
pub(crate) fn open(wanted: DeviceArg) -> Result<(Device, String)> {
    let (device, name) = match wanted {
        DeviceArg::Cpu => cpu(),
        DeviceArg::Wgpu => wgpu(Software::Accept)?,
        DeviceArg::Cuda => cuda()?,
        DeviceArg::Auto => cuda().or_else(|_| wgpu(Software::Refuse)).unwrap_or_else(|_| cpu()),
    };
    eprintln!("device: {name}");
    Ok((device, name))
}

fn cpu() -> (Device, String) {
    let cores = rayon::current_num_threads();
    (Device::flex(), format!("cpu, {cores} cores (Burn Flex)"))
}

/// Whether a GPU that is emulated on the CPU will do. It is slower than Flex, so only when asked for.
#[derive(Clone, Copy, PartialEq)]
enum Software {
    Accept,
    Refuse,
}

#[cfg(feature = "wgpu")]
fn wgpu(software: Software) -> Result<(Device, String)> {
    use burn::tensor::wgpu::wgpu::DeviceType;

    let opened = quietly(|| Device::wgpu_options().init_with_setup());
    let (device, setup) = match opened {
        Some(Ok(opened)) => opened,
        Some(Err(error)) => bail!("--device wgpu: no GPU can be opened: {error}"),
        None => bail!("--device wgpu: the graphics driver failed to start"),
    };
    let info = setup.adapter.get_info();
    if info.device_type == DeviceType::Cpu && software == Software::Refuse {
        bail!("--device wgpu: {} is emulated on the CPU", info.name);
    }
    Ok((device, format!("wgpu, {} ({})", info.name, info.backend)))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_software: Software) -> Result<(Device, String)> {
    bail!("--device wgpu: this trainer was built without it; build with --features wgpu")
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<(Device, String)> {
    // The CUDA libraries are loaded on first use; where they are missing, that panics.
    let opened = quietly(|| {
        let device = Device::cuda(0);
        device.sync().map(|()| device)
    });
    match opened {
        Some(Ok(device)) => Ok((device, "cuda:0".into())),
        Some(Err(error)) => bail!("--device cuda: the GPU cannot be opened: {error:?}"),
        None => bail!("--device cuda: no NVIDIA driver or GPU was found"),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<(Device, String)> {
    bail!("--device cuda: this trainer was built without it; build with --features cuda")
}

/// Runs what may panic in a driver; `None` if it did. The panic's own words are not shown.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn quietly<T>(open: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)).ok();
    std::panic::set_hook(hook);
    opened
}
