//! Where to compute: the device that was asked for, or the best that works.

use anyhow::{Result, bail};
use burn::tensor::Device;

use crate::cli::{DeviceArg, DeviceName};

/// Opens the one device that was named, and says which it is.
///
/// # Errors
/// Where it cannot be opened, or several were named.
pub(crate) fn open(wanted: &DeviceArg) -> Result<(Device, String)> {
    let [one] = wanted.0[..] else { bail!("--device: only train works on several devices") };
    let (device, name) = open_one(one)?;
    eprintln!("device: {name}");
    Ok((device, name))
}

/// Opens every device that was named, and says which they are.
///
/// # Errors
/// Where one cannot be opened.
pub(crate) fn open_all(wanted: &DeviceArg) -> Result<(Vec<Device>, String)> {
    let opened = wanted.0.iter().map(|&name| open_one(name));
    let (devices, names): (Vec<_>, Vec<_>) =
        opened.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let names = names.join(" and ");
    eprintln!("device: {names}");
    Ok((devices, names))
}

fn open_one(wanted: DeviceName) -> Result<(Device, String)> {
    match wanted {
        DeviceName::Cpu => Ok(cpu()),
        DeviceName::Wgpu => wgpu(Software::Accept),
        DeviceName::Cuda(index) => cuda(index),
        DeviceName::Auto => {
            Ok(cuda(0).or_else(|_| wgpu(Software::Refuse)).unwrap_or_else(|_| cpu()))
        }
    }
}

fn cpu() -> (Device, String) {
    let cores = rayon::current_num_threads();
    (Device::flex(), format!("cpu, {cores} cores"))
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
fn cuda(index: usize) -> Result<(Device, String)> {
    // The CUDA libraries are loaded on first use; where they are missing, that panics.
    let opened = quietly(|| {
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
