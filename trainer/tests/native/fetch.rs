//! `trainer fetch` against servers that are slow, break off, lie, refuse, or send what nobody should unpack.

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::synthetic_posters::{failed, said, succeeded, trainer};

const ETAG: &str = "\"first\"";
const KEY: &str = "s3cr3t-k3y";

/// One answer of the server.
struct Reply {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// So much of the body is sent, then the connection is closed.
    sent: usize,
    /// How long the server keeps quiet before the body.
    quiet: Duration,
}

impl Reply {
    fn new(status: &'static str) -> Self {
        let quiet = Duration::ZERO;
        Self { status, headers: vec![], body: vec![], sent: usize::MAX, quiet }
    }

    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// `file` from `begin` on, as a server that can resume sends it.
    fn file(file: &[u8], begin: usize, etag: &str) -> Self {
        let status = if begin == 0 { "200 OK" } else { "206 Partial Content" };
        let mut reply = Self::new(status).header("ETag", etag);
        if begin > 0 {
            let range = format!("bytes {begin}-{}/{}", file.len() - 1, file.len());
            reply = reply.header("Content-Range", range);
        }
        reply.body = file[begin..].to_vec();
        reply
    }

    fn cut(mut self, sent: usize) -> Self {
        self.sent = sent;
        self
    }

    fn send(self, mut stream: TcpStream) {
        let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", self.status);
        head += &format!("Content-Length: {}\r\n", self.body.len());
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let sent = &self.body[..self.sent.min(self.body.len())];
        let _ = stream.write_all((head + "\r\n").as_bytes());
        std::thread::sleep(self.quiet);
        let _ = stream.write_all(sent);
    }
}

/// A server that answers by a function of where the range begins that is asked for, and of how many requests came
/// before this one.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for (count, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let lines = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
                let head = lines.collect::<Vec<_>>().join("\n");
                heard.lock().unwrap().push(head.clone());
                let head = head.to_lowercase();
                let begin =
                    head.split("range: bytes=").nth(1).and_then(|rest| rest.split('-').next());
                let begin = begin.map_or(0, |begin| begin.parse().unwrap());
                answer(begin, count).send(stream);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A folder to fetch to, with no credentials anywhere near.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn fetch(&self, arguments: &[&str]) -> Command {
        let mut command = trainer(&["fetch", "--patience", "1"]);
        command.arg("--out").arg(self.path("posters")).args(arguments);
        for name in ["KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENDPOINT"] {
            command.env_remove(name);
        }
        command.env("KAGGLE_CONFIG_DIR", self.path("no-such-folder"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.fetch(arguments).output().unwrap()
    }

    /// Nothing is there but what a fetch keeps to go on with.
    fn is_untouched(&self) -> bool {
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

/// As Kaggle's: the table and the posters lie in a folder of the archive.
fn posters() -> Vec<u8> {
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
fn an_archive_becomes_a_folder_to_train_from() {
    let file = posters();
    let sha256: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02X}")).collect();
    let crc32c = crc32c::crc32c(&file).to_be_bytes();
    let server = Server::start(move |_, _| {
        use base64::Engine;
        let sum = base64::engine::general_purpose::STANDARD.encode(crc32c);
        Reply::file(&file, 0, ETAG).header("x-goog-hash", format!("crc32c={sum},md5=unread"))
    });
    let place = Place::new();
    let out = succeeded(place.run(&["--url", &server.url, "--sha256", &sha256]));
    assert!(out.contains("1 rows with 2 genres"), "{out}");
    assert_eq!(fs::read(place.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);
    assert!(place.path("posters/train.csv").is_file());
    assert!(!place.path("posters.fetching").exists());
    let out = failed(place.run(&["--url", &server.url]));
    assert!(out.contains("is not empty"), "{out}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_connection_that_breaks_or_sleeps_is_taken_up_where_it_was() {
    let file = posters();
    let server = Server::start(move |begin, count| {
        let reply = Reply::file(&file, begin, ETAG);
        match count {
            0 => reply.cut(100_000),
            1 => reply.cut(50_000),
            2 => Reply::new("503 Service Unavailable").header("Retry-After", 1),
            3 => Reply { quiet: Duration::from_secs(3), ..reply },
            _ => reply,
        }
    });
    let place = Place::new();
    succeeded(place.run(&["--url", &server.url]));
    let asked = server.asked();
    assert_eq!(asked.len(), 5, "{asked:?}");
    let ranges: Vec<_> =
        asked.iter().map(|head| head.to_lowercase().contains("range: bytes=")).collect();
    assert_eq!(ranges, [false, true, true, true, true]);
    assert!(asked[4].contains("bytes=150000-"), "{}", asked[4]);
    assert_eq!(fs::read(place.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);
}

#[test]
fn a_server_that_cannot_resume_or_has_another_file_begins_anew() {
    // The first answer is of an older file.
    let (old, new) = (vec![7; 400_000], posters());
    let server = Server::start(move |begin, count| match count {
        0 => Reply::file(&old, 0, "\"old\"").cut(200_000),
        1 => Reply::file(&new, 0, ETAG).cut(100_000),
        _ => Reply::file(&new, begin, ETAG),
    });
    let place = Place::new();
    succeeded(place.run(&["--url", &server.url]));
    assert_eq!(fs::read(place.path("posters/Images/tt1.jpg")).unwrap().len(), 300_000);

    let file = posters();
    let server = Server::start(move |_, count| {
        let mut reply = Reply::new("200 OK");
        reply.body = file.clone();
        if count == 0 { reply.cut(100_000) } else { reply }
    });
    let place = Place::new();
    succeeded(place.run(&["--url", &server.url]));
    assert!(!server.asked()[1].to_lowercase().contains("range"));
}

#[test]
fn a_fetch_that_is_killed_goes_on() {
    let file = posters();
    let server = Server::start(move |begin, count| {
        let reply = Reply::file(&file, begin, ETAG);
        // The first reader waits for more, until it is killed.
        if count == 0 {
            Reply { quiet: Duration::from_millis(500), ..reply }.cut(200_000)
        } else {
            reply
        }
    });
    let place = Place::new();
    let mut child = place.fetch(&["--url", &server.url]).spawn().unwrap();
    let part = place.path("posters.fetching/archive.zip.part");
    while fs::metadata(&part).map_or(0, |about| about.len()) < 200_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("posters").exists());
    succeeded(place.run(&["--url", &server.url]));
    assert!(server.asked()[1].contains("bytes=200000-"), "{:?}", server.asked());
}

#[test]
fn what_is_not_what_was_promised_is_not_kept() {
    let file = posters();
    let promised = file.clone();
    let server = Server::start(move |_, _| {
        Reply::file(&promised, 0, ETAG).header("x-goog-hash", "crc32c=AAAAAA==")
    });
    let place = Place::new();
    let out = failed(place.run(&["--url", &server.url]));
    assert!(out.contains("not what the server promised"), "{out}");
    assert!(place.is_untouched() && !place.path("posters.fetching/archive.zip").exists());

    let server = Server::start(move |_, _| Reply::file(&file, 0, ETAG));
    let out = failed(place.run(&["--url", &server.url, "--sha256", "00"]));
    assert!(out.contains("its SHA-256 is ") && out.contains("and not 00"), "{out}");
    assert!(place.is_untouched() && !place.path("posters.fetching/archive.zip").exists());
}

#[test]
fn a_server_that_never_sends_all_is_given_up_and_what_came_is_kept() {
    let file = posters();
    let server = Server::start(move |begin, _| match begin {
        0 => Reply::file(&file, 0, ETAG).cut(1_000),
        begin => Reply::file(&file, begin, ETAG).cut(0),
    });
    let place = Place::new();
    let out = failed(place.run(&["--url", &server.url]));
    assert!(out.contains("the same command goes on from there"), "{out}");
    assert_eq!(fs::metadata(place.path("posters.fetching/archive.zip.part")).unwrap().len(), 1_000);
}

#[test]
fn refusals_say_what_to_do_and_never_print_the_key() {
    for (status, with_key, part) in [
        ("401 Unauthorized", false, "set KAGGLE_USERNAME and KAGGLE_KEY, or save a token"),
        (
            "401 Unauthorized",
            true,
            "are the user name and the key in KAGGLE_USERNAME and KAGGLE_KEY still valid",
        ),
        ("403 Forbidden", true, "did you accept the dataset's terms on its page?"),
        ("404 Not Found", true, "there is nothing (404"),
        ("429 Too Many Requests", true, "the server asks for patience (429"),
        ("418 I'm a teapot", true, "an answer that is not understood (418"),
    ] {
        let server = Server::start(move |_, _| Reply::new(status).header("Retry-After", 3600));
        let place = Place::new();
        let mut fetch = place.fetch(&["owner/name"]);
        fetch.env("KAGGLE_API_ENDPOINT", &server.url);
        if with_key {
            fetch.env("KAGGLE_USERNAME", "somebody").env("KAGGLE_KEY", KEY);
        }
        let out = failed(fetch.output().unwrap());
        assert!(out.contains(part), "{status}: {out}");
        assert!(!out.contains(KEY), "{out}");
        assert!(place.is_untouched());
        let asked = server.asked();
        assert_eq!(asked.len(), 1, "{status}");
        assert!(asked[0].starts_with("GET /api/v1/datasets/download/owner/name "), "{asked:?}");
        // "somebody:s3cr3t-k3y"
        let sent = asked[0].contains("Basic c29tZWJvZHk6czNjcjN0LWszeQ==");
        assert_eq!(sent, with_key, "{asked:?}");
    }
}

#[test]
fn credentials_come_from_kaggles_file_and_go_to_kaggle_alone() {
    let file = posters();
    let storage = Server::start(move |_, _| Reply::file(&file, 0, ETAG));
    // Another host than the one that knows the key, as Kaggle's storage is.
    let elsewhere = storage.url.replace("127.0.0.1", "localhost");
    let kaggle = Server::start(move |_, _| Reply::new("302 Found").header("Location", &elsewhere));
    let place = Place::new();
    let token = |text: &str| {
        fs::create_dir_all(place.path("home/.kaggle")).unwrap();
        fs::write(place.path("home/.kaggle/kaggle.json"), text).unwrap();
    };
    let fetch = || {
        let mut fetch = place.fetch(&[]);
        fetch.env_remove("KAGGLE_CONFIG_DIR").env("HOME", place.path("home"));
        fetch.env("KAGGLE_API_ENDPOINT", &kaggle.url).output().unwrap()
    };
    token(&format!("{{\"username\": \"somebody\", \"key\": [\"{KEY}\"]}}"));
    let out = failed(fetch());
    assert!(out.contains("kaggle.json is not JSON with the texts username and key"), "{out}");
    assert!(!out.contains(KEY), "{out}");

    token(&format!("{{\"username\": \"somebody\", \"key\": \"{KEY}\"}}"));
    let out = succeeded(fetch());
    assert!(!out.contains(KEY), "{out}");
    assert!(
        kaggle.asked()[0].contains("Basic c29tZWJvZHk6czNjcjN0LWszeQ=="),
        "{:?}",
        kaggle.asked()
    );
    assert!(kaggle.asked()[0].contains("/raman77768/movie-classifier "));
    let heard = storage.asked().join("\n").to_lowercase();
    assert!(!heard.contains("authorization"), "{heard}");
    assert!(place.path("posters/train.csv").is_file());
}

#[test]
fn an_archive_that_would_leave_its_folder_or_fill_the_disk_is_refused() {
    let bomb = vec![0; 300 << 20];
    let mut linked = zip::ZipWriter::new(Cursor::new(Vec::new()));
    linked.start_file("train.csv", SimpleFileOptions::default()).unwrap();
    linked.add_symlink("Images", "/", SimpleFileOptions::default()).unwrap();
    for (file, part) in [
        (zip(&[("train.csv", b"Id"), ("../escaped.txt", b"x")]), "would lie outside the folder"),
        // A path from the root begins in the folder.
        (zip(&[("/etc/escaped.txt", b"x")]), "there is no train.csv"),
        (linked.finish().unwrap().into_inner(), "or is a link"),
        (zip(&[("train.csv", &bomb)]), "it is no archive of posters"),
        (zip(&[("readme.txt", b"Hello")]), "there is no train.csv"),
        (zip(&[("train.csv", b"Film,Drama\nx,1\n")]), "there is no column Id"),
        (b"<!doctype html>".to_vec(), "is not a zip"),
        (posters()[..200_000].to_vec(), "is not a zip"),
    ] {
        let server = Server::start(move |_, _| Reply::file(&file, 0, ETAG));
        let place = Place::new();
        let output = place.run(&["--url", &server.url]);
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
        failed(output);
        assert!(place.is_untouched(), "{part}");
        assert!(!place.0.path().parent().unwrap().join("escaped.txt").exists());
        assert!(!Path::new("/etc/escaped.txt").exists());
    }
}
