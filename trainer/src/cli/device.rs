//! The value of `--device`.

use std::str::FromStr;

/// One device or several, separated by commas.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeviceArg(pub(crate) Vec<DeviceName>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DeviceName {
    /// The first that works of: CUDA, wgpu on a physical GPU, CPU.
    Auto,
    /// Vulkan, Metal or DirectX 12.
    Wgpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
    /// All cores of the CPU.
    Cpu,
}

impl FromStr for DeviceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(parse_name).collect::<Result<_, _>>().map(Self)
    }
}

fn parse_name(name: &str) -> Result<DeviceName, String> {
    match name {
        "auto" => Ok(DeviceName::Auto),
        "wgpu" => Ok(DeviceName::Wgpu),
        "cpu" => Ok(DeviceName::Cpu),
        "cuda" => Ok(DeviceName::Cuda(0)),
        other => other
            .strip_prefix("cuda:")
            .and_then(|index| index.parse().ok())
            .map(DeviceName::Cuda)
            .ok_or_else(|| {
                format!("unknown device {other:?}; use auto, cpu, wgpu, cuda or cuda:N")
            }),
    }
}
