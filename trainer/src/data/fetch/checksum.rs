//! Checksums of downloaded files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

/// Checks the SHA-256 of a file, in hexadecimal. Removes the file if it differs.
///
/// # Errors
/// Fails if the file cannot be read or its hash differs.
pub(super) fn check_sha256(path: &Path, expected: &str) -> Result<()> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hash)?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if !found.eq_ignore_ascii_case(expected) {
        std::fs::remove_file(path)?;
        bail!("the archive's SHA-256 is {found}, not {expected}; the archive was removed");
    }
    Ok(())
}

/// Returns the CRC-32C of a file.
pub(super) fn crc32c(path: &Path) -> std::io::Result<u32> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    let mut sum = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum),
            count => sum = crc32c::crc32c_append(sum, buffer.get(..count).unwrap_or_default()),
        }
    }
}
