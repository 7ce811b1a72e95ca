//! The remote file that a download belongs to, so that a later attempt can tell whether it has changed.

use std::path::Path;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marquee::bundle::write_atomically;
use serde::{Deserialize, Serialize};
use ureq::http::{HeaderMap, Response};

/// The remote file that a partial download belongs to. Saved beside it as JSON.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct RemoteFile {
    pub(super) url: String,
    /// The server's identifier of this version of the file. Without it, a download cannot resume.
    pub(super) etag: Option<String>,
    /// In bytes, if the server reports it.
    pub(super) length: Option<u64>,
    /// CRC-32C, if the server reports it. Google Cloud Storage does, which hosts Kaggle's files.
    pub(super) crc32c: Option<u32>,
}

impl RemoteFile {
    /// Reads the file's description from the headers of a response, whose body starts at byte `start` of the file.
    pub(super) fn from_response(url: &str, response: &Response<ureq::Body>, start: u64) -> Self {
        let headers = response.headers();
        let full_length = header(headers, "content-range")
            .and_then(|range| range.rsplit('/').next()?.parse().ok());
        let body_length =
            header(headers, "content-length").and_then(|length| length.parse::<u64>().ok());
        let crc32c = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
        let crc32c = crc32c.flat_map(|hashes| hashes.split(',')).find_map(|hash| {
            let bytes = STANDARD.decode(hash.trim().strip_prefix("crc32c=")?).ok()?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        });
        Self {
            url: url.into(),
            // A weak ETag does not guarantee identical bytes.
            etag: header(headers, "etag").filter(|etag| !etag.starts_with("W/")).map(Into::into),
            length: full_length.or_else(|| body_length.filter(|_| start == 0)),
            crc32c,
        }
    }

    /// Reads the record of a download; `None` if it is missing or damaged.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Saves the record of a download.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, &serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }
}

/// Returns the value of a header, if it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
