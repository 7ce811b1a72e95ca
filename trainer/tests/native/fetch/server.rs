//! A local HTTP server with scripted responses.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One response of the server.
pub(super) struct Response {
    pub(super) status: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Number of body bytes to send before closing the connection.
    pub(super) sent: usize,
    /// Pause before the body.
    pub(super) pause: Duration,
}

impl Response {
    /// Returns a response without headers and body.
    pub(super) fn new(status: &'static str) -> Self {
        let pause = Duration::ZERO;
        Self { status, headers: vec![], body: vec![], sent: usize::MAX, pause }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Returns `file` from byte `start` on, as a server with range requests sends it.
    pub(super) fn file(file: &[u8], start: usize, etag: &str) -> Self {
        let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
        let mut response = Self::new(status).header("ETag", etag);
        if start > 0 {
            let range = format!("bytes {start}-{}/{}", file.len() - 1, file.len());
            response = response.header("Content-Range", range);
        }
        response.body = file[start..].to_vec();
        response
    }

    /// Closes the connection after `sent` bytes of the body.
    pub(super) fn cut(mut self, sent: usize) -> Self {
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
        std::thread::sleep(self.pause);
        let _ = stream.write_all(sent);
    }
}

/// A running server, which remembers its requests.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that calls `respond` with the first byte of the requested range and the number of earlier
    /// requests.
    pub(super) fn start(respond: impl Fn(usize, usize) -> Response + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (count, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let lines = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
                let head = lines.collect::<Vec<_>>().join("\n");
                log.lock().unwrap().push(head.clone());
                let head = head.to_lowercase();
                let start =
                    head.split("range: bytes=").nth(1).and_then(|rest| rest.split('-').next());
                let start = start.map_or(0, |start| start.parse().unwrap());
                respond(start, count).send(stream);
            }
        });
        Self { url, requests }
    }

    /// Returns the heads of all requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}
