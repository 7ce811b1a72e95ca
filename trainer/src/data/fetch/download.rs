//! A file from an address, which goes on where it broke off, and is whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marquee::bundle::write_atomically;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, Response, StatusCode};

use crate::progress::Ticker;

/// How often in a row nothing may come before we give up.
const TRIES: u32 = 5;

/// A server that asks for more patience than this is not waited for, in seconds.
const LONGEST_WAIT: u64 = 60;

const MEGABYTE: u64 = 1_000_000;

/// What is downloaded.
pub(super) struct Source {
    pub(super) url: String,
    /// The header of that name, for this address alone: it does not follow redirects.
    pub(super) authorization: Option<String>,
    /// What to do where the server refuses us.
    pub(super) refused: String,
}

impl Source {
    /// An address that asks for no credentials.
    pub(super) fn plain(url: &str) -> Self {
        let refused = "the address asks for credentials, and --url sends none".into();
        Self { url: url.into(), authorization: None, refused }
    }
}

/// Which file the part that is here belongs to.
#[derive(Serialize, Deserialize, PartialEq)]
struct Whole {
    url: String,
    /// As the server names this version of the file; without it, it cannot be resumed.
    etag: Option<String>,
    /// In bytes, where the server says so.
    length: Option<u64>,
    /// Castagnoli's, where the server (Google's storage, which Kaggle's files lie on) says so.
    crc32c: Option<u32>,
}

/// Whether an earlier fetch has it.
pub(super) fn is_here(source: &Source, path: &Path) -> bool {
    path.is_file() && read(&record(path)).is_some_and(|whole| whole.url == source.url)
}

/// Where the [`Whole`] of a file lies.
fn record(path: &Path) -> PathBuf {
    path.with_extension("zip.json")
}

/// Downloads to `path`, by way of a `.part` beside it. `patience` is how many seconds may pass without a byte.
pub(super) fn download(source: &Source, path: &Path, patience: u64) -> Result<()> {
    let part = path.with_extension("zip.part");
    let about = record(path);
    let patience = Some(Duration::from_secs(patience));
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .user_agent(concat!("marquee-trainer/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();

    let mut failures = 0;
    loop {
        let before = length(&part);
        let (wait, reason) = match attempt(&agent, source, &part, &about)? {
            Outcome::Whole => break,
            Outcome::Interrupted { reason } => (1 << failures, reason),
            Outcome::Wait { seconds, reason } => (seconds.unwrap_or(1 << failures), reason),
        };
        failures = if length(&part) > before { 0 } else { failures + 1 };
        let kept = length(&part) / MEGABYTE;
        ensure!(
            failures < TRIES && wait <= LONGEST_WAIT,
            "{}: {reason}; {kept} MB are kept: the same command goes on from there",
            source.url
        );
        eprintln!("{reason}; {kept} MB are here, going on in {wait} s");
        std::thread::sleep(Duration::from_secs(wait));
    }

    let whole = read(&about).context("the download's own record is gone; start again")?;
    let found = length(&part);
    if whole.length.is_some_and(|expected| expected != found)
        || whole
            .crc32c
            .is_some_and(|expected| crc32c_of(&part).is_ok_and(|found| found != expected))
    {
        std::fs::remove_file(&part)?;
        bail!(
            "{}: what came is not what the server promised (length or checksum), and was removed; try again",
            source.url
        );
    }
    std::fs::rename(&part, path)?;
    Ok(())
}

/// Whether the file has this SHA-256, in hexadecimal. Where it has not, it is removed.
pub(super) fn check_sha256(path: &Path, expected: &str) -> Result<()> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hash)?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if !found.eq_ignore_ascii_case(expected) {
        std::fs::remove_file(path)?;
        bail!("its SHA-256 is {found} and not {expected}: it is another file, and was removed");
    }
    Ok(())
}

enum Outcome {
    Whole,
    /// Something came, or nothing; the rest may come another time.
    Interrupted {
        reason: String,
    },
    /// The server wants to be asked later.
    Wait {
        seconds: Option<u64>,
        reason: String,
    },
}

/// Asks once, for what is missing.
fn attempt(agent: &ureq::Agent, source: &Source, part: &Path, about: &Path) -> Result<Outcome> {
    let known = read(about).filter(|known| known.url == source.url);
    let resumable = known.as_ref().and_then(|known| known.etag.clone());
    let here = if resumable.is_some() { length(part) } else { 0 };
    let mut request = agent.get(&source.url);
    if let Some(authorization) = &source.authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(etag) = resumable.filter(|_| here > 0) {
        request = request.header("range", format!("bytes={here}-")).header("if-range", etag);
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(ureq::Error::BadUri(reason)) => bail!("{:?} is not an address: {reason}", source.url),
        Err(error) => return Ok(Outcome::Interrupted { reason: error.to_string() }),
    };
    let status = response.status();
    let begin = match status {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => here,
        // All of it is here already, or it has become another file: the length tells.
        StatusCode::RANGE_NOT_SATISFIABLE => {
            if known.is_some_and(|known| known.length == Some(here)) {
                return Ok(Outcome::Whole);
            }
            std::fs::remove_file(part)?;
            return Ok(Outcome::Interrupted { reason: "the file has changed".into() });
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            bail!("{} refuses ({status}): {}", source.url, source.refused)
        }
        StatusCode::NOT_FOUND => bail!("{}: there is nothing ({status})", source.url),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds =
                text(response.headers(), "retry-after").and_then(|text| text.parse().ok());
            let reason = format!("the server asks for patience ({status})");
            return Ok(Outcome::Wait { seconds, reason });
        }
        status if status.is_server_error() => {
            return Ok(Outcome::Interrupted { reason: format!("the server fails ({status})") });
        }
        status => bail!("{}: an answer that is not understood ({status})", source.url),
    };
    let whole = whole(&source.url, &response, begin);
    if begin > 0 && known.is_none_or(|known| known.length != whole.length) {
        std::fs::remove_file(part)?;
        return Ok(Outcome::Interrupted { reason: "the file has changed".into() });
    }
    if begin == 0 {
        write_atomically(about, &serde_json::to_vec_pretty(&whole)?)?;
    }
    receive(&mut response, part, begin, whole.length)
}

fn receive(
    response: &mut Response<ureq::Body>,
    part: &Path,
    begin: u64,
    length: Option<u64>,
) -> Result<Outcome> {
    let mut file = OpenOptions::new();
    file.create(true).write(true);
    let file = if begin == 0 { file.truncate(true) } else { file.append(true) };
    let name = || part.display().to_string();
    let mut file = file.open(part).with_context(name)?;
    let megabytes = |bytes: u64| (bytes / MEGABYTE) as usize;
    let total = length.unwrap_or(0);
    let ticker = Ticker::from("downloading (MB)", megabytes(begin), megabytes(total));
    // No more than was promised, so that a server cannot fill the disk.
    let mut reader = response.body_mut().as_reader().take(length.unwrap_or(u64::MAX) - begin);
    let mut buffer = vec![0; 1 << 16];
    let mut here = begin;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                file.write_all(buffer.get(..count).unwrap_or_default()).with_context(name)?;
                here += count as u64;
                ticker.tick(megabytes(here));
            }
            Err(error) => {
                return Ok(Outcome::Interrupted {
                    reason: format!("the connection broke: {error}"),
                });
            }
        }
    }
    file.sync_all().with_context(name)?;
    if length.is_some_and(|length| here < length) {
        return Ok(Outcome::Interrupted { reason: "the connection ended too early".into() });
    }
    Ok(Outcome::Whole)
}

/// What an answer says of the file of which it brings all, or the end from `begin` on.
fn whole(url: &str, response: &Response<ureq::Body>, begin: u64) -> Whole {
    let headers = response.headers();
    let of_range =
        text(headers, "content-range").and_then(|range| range.rsplit('/').next()?.parse().ok());
    let of_rest = text(headers, "content-length").and_then(|length| length.parse::<u64>().ok());
    let crc32c = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    let crc32c = crc32c.flat_map(|hashes| hashes.split(',')).find_map(|hash| {
        let bytes = STANDARD.decode(hash.trim().strip_prefix("crc32c=")?).ok()?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    });
    Whole {
        url: url.into(),
        // A weak one only says that the content means the same.
        etag: text(headers, "etag").filter(|etag| !etag.starts_with("W/")).map(Into::into),
        length: of_range.or_else(|| of_rest.filter(|_| begin == 0)),
        crc32c,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn read(about: &Path) -> Option<Whole> {
    serde_json::from_slice(&std::fs::read(about).ok()?).ok()
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

fn crc32c_of(path: &Path) -> std::io::Result<u32> {
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
