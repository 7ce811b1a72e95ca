//! `trainer fetch` against servers that are slow, disconnect, refuse, or send wrong or malicious files.

mod server;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::synthetic_posters::{failed, printed, succeeded, trainer};
use server::{Response, Server};

const ETAG: &str = "\"first\"";
const KEY: &str = "s3cr3t-k3y";

/// A temporary folder to fetch to, and an environment without Kaggle credentials.
struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns a `trainer fetch` command, not started yet.
    fn fetch(&self, arguments: &[&str]) -> Command {
        let mut command = trainer(&["fetch", "--timeout", "1"]);
        command.arg("--out").arg(self.path("posters")).args(arguments);
        for name in ["KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENDPOINT"] {
            command.env_remove(name);
        }
        command.env("KAGGLE_CONFIG_DIR", self.path("no-such-folder"));
        command
    }

    /// Runs `trainer fetch` to its end.
    fn run(&self, arguments: &[&str]) -> Output {
        self.fetch(arguments).output().unwrap()
    }

    /// Returns whether the folder holds nothing but the intermediate files of a fetch.
    fn has_no_output(&self) -> bool {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().all(|name| name == "posters.fetching")
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Returns an archive like Kaggle's, with `train.csv` and `Images/` in a folder. The poster is noise, so that it does
/// not compress.
fn archive() -> Vec<u8> {
    let mut noise = 1_u32;
    let poster: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(300_000)
    .collect();
    zip(&[
        ("set/train.csv", b"Id,Genre,Drama,Horror\ntt1,\"['Drama']\",1,0\n"),
        ("set/Images/tt1.jpg", &poster),
    ])
}

#[test]
fn unpacks_an_archive_into_a_folder_to_train_from() {
    let file = archive();
    let sha256: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02X}")).collect();
    let crc32c = crc32c::crc32c(&file).to_be_bytes();
    let server = Server::start(move |_, _| {
        use base64::Engine;
        let sum = base64::engine::general_purpose::STANDARD.encode(crc32c);
        Response::file(&file, 0, ETAG).header("x-goog-hash", format!("crc32c={sum},md5=unread"))
    });
    let sandbox = Sandbox::new();
    let out = succeeded(sandbox.run(&["--url", &server.url, "--sha256", &sha256]));
    assert!(out.contains("1 rows with 2 genres"), "{out}");
    // The printed command starts from pretrained weights, and the trainer understands it.
    let next = out.lines().find_map(|line| line.trim().strip_prefix("trainer ")).unwrap();
    let arguments: Vec<&str> = next.split(' ').collect();
    assert!(arguments.contains(&"--pretrained") && arguments.contains(&"--out"), "{next}");
    assert!(arguments.contains(&&*sandbox.path("posters").to_string_lossy()), "{next}");
    succeeded(trainer(&arguments).arg("--help").output().unwrap());
    assert_eq!(fs::read(sandbox.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);
    assert!(sandbox.path("posters/train.csv").is_file());
    assert!(!sandbox.path("posters.fetching").exists());
    let out = failed(sandbox.run(&["--url", &server.url]));
    assert!(out.contains("is not empty"), "{out}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn resumes_after_a_lost_or_stalled_connection() {
    let file = archive();
    let server = Server::start(move |start, count| {
        let response = Response::file(&file, start, ETAG);
        match count {
            0 => response.cut(100_000),
            1 => response.cut(50_000),
            2 => Response::new("503 Service Unavailable").header("Retry-After", 1),
            3 => Response { pause: Duration::from_secs(3), ..response },
            _ => response,
        }
    });
    let sandbox = Sandbox::new();
    succeeded(sandbox.run(&["--url", &server.url]));
    let requests = server.requests();
    assert_eq!(requests.len(), 5, "{requests:?}");
    let ranges: Vec<_> =
        requests.iter().map(|head| head.to_lowercase().contains("range: bytes=")).collect();
    assert_eq!(ranges, [false, true, true, true, true]);
    assert!(requests[4].contains("bytes=150000-"), "{}", requests[4]);
    assert_eq!(fs::read(sandbox.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);
}

#[test]
fn restarts_if_the_server_cannot_resume_or_the_file_has_changed() {
    // The first response is an older version of the file.
    let (old, new) = (vec![7; 400_000], archive());
    let server = Server::start(move |start, count| match count {
        0 => Response::file(&old, 0, "\"old\"").cut(200_000),
        1 => Response::file(&new, 0, ETAG).cut(100_000),
        _ => Response::file(&new, start, ETAG),
    });
    let sandbox = Sandbox::new();
    succeeded(sandbox.run(&["--url", &server.url]));
    assert_eq!(fs::read(sandbox.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);

    let file = archive();
    let server = Server::start(move |_, count| {
        let mut response = Response::new("200 OK");
        response.body = file.clone();
        if count == 0 { response.cut(100_000) } else { response }
    });
    let sandbox = Sandbox::new();
    succeeded(sandbox.run(&["--url", &server.url]));
    assert!(!server.requests()[1].to_lowercase().contains("range"));
}

#[test]
fn resumes_after_the_program_was_killed() {
    let file = archive();
    let server = Server::start(move |start, count| {
        let response = Response::file(&file, start, ETAG);
        // The first fetch receives a part and then waits until it is killed.
        if count == 0 {
            Response { pause: Duration::from_millis(500), ..response }.cut(200_000)
        } else {
            response
        }
    });
    let sandbox = Sandbox::new();
    let mut child = sandbox.fetch(&["--url", &server.url]).spawn().unwrap();
    let part = sandbox.path("posters.fetching/archive.zip.part");
    while fs::metadata(&part).map_or(0, |about| about.len()) < 200_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!sandbox.path("posters").exists());
    succeeded(sandbox.run(&["--url", &server.url]));
    assert!(server.requests()[1].contains("bytes=200000-"), "{:?}", server.requests());
}

#[test]
fn removes_a_download_with_a_wrong_checksum() {
    let file = archive();
    let copy = file.clone();
    let server = Server::start(move |_, _| {
        Response::file(&copy, 0, ETAG).header("x-goog-hash", "crc32c=AAAAAA==")
    });
    let sandbox = Sandbox::new();
    let out = failed(sandbox.run(&["--url", &server.url]));
    assert!(out.contains("does not match the server's length or checksum"), "{out}");
    assert!(sandbox.has_no_output() && !sandbox.path("posters.fetching/archive.zip").exists());

    let server = Server::start(move |_, _| Response::file(&file, 0, ETAG));
    let out = failed(sandbox.run(&["--url", &server.url, "--sha256", "00"]));
    assert!(out.contains("SHA-256 is ") && out.contains(", not 00"), "{out}");
    assert!(sandbox.has_no_output() && !sandbox.path("posters.fetching/archive.zip").exists());
}

#[test]
fn gives_up_on_a_server_that_sends_nothing_more_and_keeps_the_part() {
    let file = archive();
    let server = Server::start(move |start, _| match start {
        0 => Response::file(&file, 0, ETAG).cut(1_000),
        start => Response::file(&file, start, ETAG).cut(0),
    });
    let sandbox = Sandbox::new();
    let out = failed(sandbox.run(&["--url", &server.url]));
    assert!(out.contains("repeat the command to resume"), "{out}");
    assert_eq!(
        fs::metadata(sandbox.path("posters.fetching/archive.zip.part")).unwrap().len(),
        1_000
    );
}

#[test]
fn refusals_explain_what_to_do_and_never_print_the_key() {
    for (status, with_key, part) in [
        ("401 Unauthorized", false, "set KAGGLE_USERNAME and KAGGLE_KEY, or save an API token"),
        (
            "401 Unauthorized",
            true,
            "check that the user name and key in KAGGLE_USERNAME and KAGGLE_KEY are valid",
        ),
        ("403 Forbidden", true, "accept the dataset's terms on its page"),
        ("404 Not Found", true, "not found (404"),
        ("429 Too Many Requests", true, "the server asks for a delay (429"),
        ("418 I'm a teapot", true, "unexpected response (418"),
    ] {
        let server = Server::start(move |_, _| Response::new(status).header("Retry-After", 3600));
        let sandbox = Sandbox::new();
        let mut fetch = sandbox.fetch(&["owner/name"]);
        fetch.env("KAGGLE_API_ENDPOINT", &server.url);
        if with_key {
            fetch.env("KAGGLE_USERNAME", "somebody").env("KAGGLE_KEY", KEY);
        }
        let out = failed(fetch.output().unwrap());
        assert!(out.contains(part), "{status}: {out}");
        assert!(!out.contains(KEY), "{out}");
        assert!(sandbox.has_no_output());
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{status}");
        assert!(
            requests[0].starts_with("GET /api/v1/datasets/download/owner/name "),
            "{requests:?}"
        );
        // Base64 of "somebody:s3cr3t-k3y".
        let sent = requests[0].contains("Basic c29tZWJvZHk6czNjcjN0LWszeQ==");
        assert_eq!(sent, with_key, "{requests:?}");
    }
}

#[test]
fn sends_the_credentials_in_kaggle_json_to_kaggle_only() {
    let file = archive();
    let storage = Server::start(move |_, _| Response::file(&file, 0, ETAG));
    // Kaggle redirects to storage on another host, which must not see the key.
    let elsewhere = storage.url.replace("127.0.0.1", "localhost");
    let kaggle =
        Server::start(move |_, _| Response::new("302 Found").header("Location", &elsewhere));
    let sandbox = Sandbox::new();
    let token = |text: &str| {
        fs::create_dir_all(sandbox.path("home/.kaggle")).unwrap();
        fs::write(sandbox.path("home/.kaggle/kaggle.json"), text).unwrap();
    };
    let fetch = || {
        let mut fetch = sandbox.fetch(&[]);
        fetch.env_remove("KAGGLE_CONFIG_DIR").env("HOME", sandbox.path("home"));
        fetch.env("KAGGLE_API_ENDPOINT", &kaggle.url).output().unwrap()
    };
    token(&format!("{{\"username\": \"somebody\", \"key\": [\"{KEY}\"]}}"));
    let out = failed(fetch());
    assert!(
        out.contains("kaggle.json must be JSON with the strings \"username\" and \"key\""),
        "{out}"
    );
    assert!(!out.contains(KEY), "{out}");

    token(&format!("{{\"username\": \"somebody\", \"key\": \"{KEY}\"}}"));
    let out = succeeded(fetch());
    assert!(!out.contains(KEY), "{out}");
    assert!(
        kaggle.requests()[0].contains("Basic c29tZWJvZHk6czNjcjN0LWszeQ=="),
        "{:?}",
        kaggle.requests()
    );
    assert!(kaggle.requests()[0].contains("/raman77768/movie-classifier "));
    let heads = storage.requests().join("\n").to_lowercase();
    assert!(!heads.contains("authorization"), "{heads}");
    assert!(sandbox.path("posters/train.csv").is_file());
}

#[test]
fn rejects_archives_that_leave_the_folder_fill_the_disk_or_are_no_dataset() {
    let bomb = vec![0; 300 << 20];
    let mut linked = zip::ZipWriter::new(Cursor::new(Vec::new()));
    linked.start_file("train.csv", SimpleFileOptions::default()).unwrap();
    linked.add_symlink("Images", "/", SimpleFileOptions::default()).unwrap();
    for (file, part) in [
        (zip(&[("train.csv", b"Id"), ("../escaped.txt", b"x")]), "leads outside the output folder"),
        // An absolute path is unpacked relative to the folder.
        (zip(&[("/etc/escaped.txt", b"x")]), "the archive contains no train.csv"),
        (linked.finish().unwrap().into_inner(), "is a link"),
        (zip(&[("train.csv", &bomb)]), "too much for an archive of posters"),
        (zip(&[("readme.txt", b"Hello")]), "the archive contains no train.csv"),
        (zip(&[("train.csv", b"Film,Drama\nx,1\n")]), "there is no column Id"),
        (b"<!doctype html>".to_vec(), "is not a zip archive"),
        (archive()[..200_000].to_vec(), "is not a zip archive"),
    ] {
        let server = Server::start(move |_, _| Response::file(&file, 0, ETAG));
        let sandbox = Sandbox::new();
        let output = sandbox.run(&["--url", &server.url]);
        assert!(printed(&output).contains(part), "{part}: {}", printed(&output));
        failed(output);
        assert!(sandbox.has_no_output(), "{part}");
        assert!(!sandbox.0.path().parent().unwrap().join("escaped.txt").exists());
        assert!(!Path::new("/etc/escaped.txt").exists());
    }
}
