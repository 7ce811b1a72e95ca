//! A compressed copy of the model's weights, `www/pkg/<weights>.zlib`, for the page to download: hosts compress code, but
//! no weights.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
    create_comp_flags_from_zip_params,
};

use super::write_by_rename;

/// End of the name of a weight file.
pub(super) const WEIGHTS: &str = ".safetensors";

/// What the name of a compressed copy ends with, after that of its weights.
pub(super) const COMPRESSED: &str = ".safetensors.zlib";

/// Compresses the weights in `www/model` that have no copy newer than they are, and removes the copies of weights that
/// are gone.
pub(super) fn write(www: &Path) -> Result<()> {
    let (model, copies) = (www.join("model"), www.join("pkg"));
    std::fs::create_dir_all(&copies).with_context(|| copies.display().to_string())?;
    for entry in copies.read_dir().with_context(|| copies.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let weights = name.ends_with(COMPRESSED).then(|| name.trim_end_matches(".zlib"));
        if weights.is_some_and(|weights| !model.join(weights).exists()) {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    let Ok(entries) = model.read_dir() else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(WEIGHTS) || name.starts_with('.') {
            continue;
        }
        let copy = copies.join(format!("{name}.zlib"));
        let changed = |path: &Path| path.metadata().ok()?.modified().ok();
        if changed(&copy) <= changed(&path) {
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            write_by_rename(&copy, &compress(&bytes)?)?;
        }
    }
    Ok(())
}

/// Ways of looking for repetitions. Weights repeat only by chance: without short matches they take 7 % less, and often
/// least without any.
const STRATEGIES: [CompressionStrategy; 3] =
    [CompressionStrategy::Filtered, CompressionStrategy::RLE, CompressionStrategy::HuffmanOnly];

/// Compresses bytes in the zlib format, which browsers call "deflate", with the best of [`STRATEGIES`].
fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let all = STRATEGIES.into_iter().map(|strategy| compress_with(strategy, bytes));
    let all = all.collect::<Result<Vec<_>>>()?;
    all.into_iter().min_by_key(Vec::len).context("there is no strategy")
}

fn compress_with(strategy: CompressionStrategy, bytes: &[u8]) -> Result<Vec<u8>> {
    let flags = create_comp_flags_from_zip_params(9, 15, strategy.into());
    let mut compressed = Vec::new();
    let mut compressor = CompressorOxide::new(flags);
    let (status, _) = compress_to_output(&mut compressor, bytes, TDEFLFlush::Finish, |part| {
        compressed.extend_from_slice(part);
        true
    });
    match status {
        TDEFLStatus::Done => Ok(compressed),
        status => Err(anyhow!("the weights cannot be compressed: {status:?}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use std::fs;

    use miniz_oxide::inflate::decompress_to_vec_zlib;

    use super::*;

    #[test]
    fn weights_have_an_equal_copy_which_follows_them() {
        let dir = tempfile::tempdir().unwrap();
        let www = dir.path();
        fs::create_dir(www.join("model")).unwrap();
        let weights: Vec<u8> =
            (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
        fs::write(www.join("model/a.safetensors"), &weights).unwrap();
        write(www).unwrap();
        let copy = fs::read(www.join("pkg/a.safetensors.zlib")).unwrap();
        assert!(copy.len() < weights.len() * 6 / 10, "{}", copy.len());
        assert_eq!(decompress_to_vec_zlib(&copy).unwrap(), weights);

        // Other weights under the same name.
        fs::write(www.join("model/a.safetensors"), &weights[1..]).unwrap();
        write(www).unwrap();
        let copy = fs::read(www.join("pkg/a.safetensors.zlib")).unwrap();
        assert_eq!(decompress_to_vec_zlib(&copy).unwrap(), weights[1..]);

        fs::rename(www.join("model/a.safetensors"), www.join("model/b.safetensors")).unwrap();
        write(www).unwrap();
        assert!(!www.join("pkg/a.safetensors.zlib").exists());
        assert!(www.join("pkg/b.safetensors.zlib").exists());
    }
}
