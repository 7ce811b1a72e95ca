//! Resumable downloads: the file is either complete and verified, or not there.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ureq::http::{Response, StatusCode};

use super::checksum;
use super::remote_file::{RemoteFile, header};
use crate::progress::Ticker;

/// Consecutive attempts without any new bytes before the download fails.
const MAX_FAILURES: u32 = 5;

/// Longest delay that a server may request, in seconds. The download fails if it requests more.
const MAX_WAIT: u64 = 60;

const MEGABYTE: u64 = 1_000_000;

/// Where to download from.
pub(super) struct Source {
    pub(super) url: String,
    /// The `Authorization` header, for this URL only: it is not sent to redirect targets.
    pub(super) authorization: Option<String>,
    /// Advice for the user if the server refuses access.
    pub(super) if_refused: String,
}

impl Source {
    /// Returns a source that sends no credentials.
    pub(super) fn without_credentials(url: &str) -> Self {
        let if_refused = "the server asks for credentials, but --url sends none".into();
        Self { url: url.into(), authorization: None, if_refused }
    }
}

/// Returns whether an earlier fetch has downloaded `source` to `path`.
pub(super) fn is_complete(source: &Source, path: &Path) -> bool {
    path.is_file()
        && RemoteFile::read(&record_path(path)).is_some_and(|remote| remote.url == source.url)
}

/// Returns the path of a download's [`RemoteFile`].
fn record_path(path: &Path) -> PathBuf {
    path.with_extension("zip.json")
}

/// Downloads `source` to `path`, by way of a `.part` file beside it, which later calls resume. `timeout` is the
/// longest wait for the next byte.
///
/// # Errors
/// Fails if the server refuses access, keeps failing, asks for a long delay, or sends a file that does not match its
/// length or checksum.
pub(super) fn download(source: &Source, path: &Path, timeout: Duration) -> Result<()> {
    let part = path.with_extension("zip.part");
    let record = record_path(path);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .user_agent(concat!("marquee-trainer/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();

    let mut failures = 0;
    loop {
        let before = file_length(&part);
        let (wait, reason) = match attempt(&agent, source, &part, &record)? {
            Outcome::Complete => break,
            Outcome::Interrupted { reason } => (1 << failures, reason),
            Outcome::Wait { seconds, reason } => (seconds.unwrap_or(1 << failures), reason),
        };
        failures = if file_length(&part) > before { 0 } else { failures + 1 };
        let kept = file_length(&part) / MEGABYTE;
        ensure!(
            failures < MAX_FAILURES && wait <= MAX_WAIT,
            "{}: {reason}; kept {kept} MB: repeat the command to resume",
            source.url
        );
        eprintln!("{reason}; {kept} MB downloaded, retrying in {wait} s");
        std::thread::sleep(Duration::from_secs(wait));
    }

    let remote = RemoteFile::read(&record).with_context(|| {
        format!("{} is missing or damaged; repeat the command", record.display())
    })?;
    let found = file_length(&part);
    if remote.length.is_some_and(|expected| expected != found)
        || remote
            .crc32c
            .is_some_and(|expected| checksum::crc32c(&part).is_ok_and(|found| found != expected))
    {
        std::fs::remove_file(&part)?;
        bail!(
            "{}: the download does not match the server's length or checksum and was removed; try again",
            source.url
        );
    }
    std::fs::rename(&part, path)?;
    Ok(())
}

/// The result of one attempt.
enum Outcome {
    Complete,
    /// The connection failed; another attempt may get further.
    Interrupted {
        reason: String,
    },
    /// The server asks for a delay, in seconds if it says how long.
    Wait {
        seconds: Option<u64>,
        reason: String,
    },
}

/// Sends one request for the missing bytes and receives the response.
fn attempt(agent: &ureq::Agent, source: &Source, part: &Path, record: &Path) -> Result<Outcome> {
    let known = RemoteFile::read(record).filter(|known| known.url == source.url);
    let etag = known.as_ref().and_then(|known| known.etag.clone());
    let received = if etag.is_some() { file_length(part) } else { 0 };
    let mut request = agent.get(&source.url);
    if let Some(authorization) = &source.authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(etag) = etag.filter(|_| received > 0) {
        request = request.header("range", format!("bytes={received}-")).header("if-range", etag);
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(ureq::Error::BadUri(reason)) => bail!("{:?} is not a valid URL: {reason}", source.url),
        Err(error) => return Ok(Outcome::Interrupted { reason: error.to_string() }),
    };
    let status = response.status();
    let start = match status {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => received,
        // Either everything was received already, or the remote file has changed. The length distinguishes the two.
        StatusCode::RANGE_NOT_SATISFIABLE => {
            if known.is_some_and(|known| known.length == Some(received)) {
                return Ok(Outcome::Complete);
            }
            std::fs::remove_file(part)?;
            return Ok(Outcome::Interrupted { reason: "the remote file has changed".into() });
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            bail!("{} refuses access ({status}): {}", source.url, source.if_refused)
        }
        StatusCode::NOT_FOUND => bail!("{}: not found ({status})", source.url),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds =
                header(response.headers(), "retry-after").and_then(|seconds| seconds.parse().ok());
            let reason = format!("the server asks for a delay ({status})");
            return Ok(Outcome::Wait { seconds, reason });
        }
        status if status.is_server_error() => {
            return Ok(Outcome::Interrupted { reason: format!("the server failed ({status})") });
        }
        status => bail!("{}: unexpected response ({status})", source.url),
    };
    let remote = RemoteFile::from_response(&source.url, &response, start);
    if start > 0 && known.is_none_or(|known| known.length != remote.length) {
        std::fs::remove_file(part)?;
        return Ok(Outcome::Interrupted { reason: "the remote file has changed".into() });
    }
    if start == 0 {
        remote.save(record)?;
    }
    receive(&mut response, part, start, remote.length)
}

/// Appends the response's body to `part`, from byte `start` on. `length` is the length of the whole file.
fn receive(
    response: &mut Response<ureq::Body>,
    part: &Path,
    start: u64,
    length: Option<u64>,
) -> Result<Outcome> {
    let mut file = OpenOptions::new();
    file.create(true).write(true);
    let file = if start == 0 { file.truncate(true) } else { file.append(true) };
    let name = || part.display().to_string();
    let mut file = file.open(part).with_context(name)?;
    let megabytes = |bytes: u64| (bytes / MEGABYTE) as usize;
    let total = length.unwrap_or(0);
    let ticker = Ticker::resumed("downloading (MB)", megabytes(start), megabytes(total));
    // Read no more than the announced length, so that a server cannot fill the disk.
    let mut reader = response.body_mut().as_reader().take(length.unwrap_or(u64::MAX) - start);
    let mut buffer = vec![0; 1 << 16];
    let mut received = start;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                file.write_all(buffer.get(..count).unwrap_or_default()).with_context(name)?;
                received += count as u64;
                ticker.tick(megabytes(received));
            }
            Err(error) => {
                return Ok(Outcome::Interrupted {
                    reason: format!("the connection failed: {error}"),
                });
            }
        }
    }
    file.sync_all().with_context(name)?;
    if length.is_some_and(|length| received < length) {
        return Ok(Outcome::Interrupted { reason: "the connection closed too early".into() });
    }
    Ok(Outcome::Complete)
}

/// Returns the length of a file in bytes; 0 if there is none.
fn file_length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
