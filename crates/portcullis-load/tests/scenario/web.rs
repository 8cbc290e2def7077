//! A server that sees whole requests and answers with fields of its own.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// The value of a header field; empty without it.
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Method and target.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// An answer: the status, fields, a body.
pub type Answer = (u16, Vec<String>, String);

/// 200 with a body.
pub fn ok(body: &str) -> Answer {
    (200, Vec::new(), body.to_owned())
}

/// A server of a test; its threads end with the test's process.
pub struct Web {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    /// Starts a server on loopback.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (noted, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                std::thread::spawn(move || converse(stream, &*answer, &noted));
            }
        });
        Self { address, seen }
    }

    /// Its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests with this beginning of method and target.
    pub fn of(&self, line: &str) -> Vec<Request> {
        self.seen().into_iter().filter(|request| request.line().starts_with(line)).collect()
    }
}

fn converse(
    mut stream: TcpStream,
    answer: &dyn Fn(&Request) -> Answer,
    seen: &Mutex<Vec<Request>>,
) {
    stream.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4096];
        let request = match request(&mut bytes) {
            Some(request) => request,
            None => match stream.read(&mut more) {
                Ok(count @ 1..) => {
                    bytes.extend_from_slice(&more[..count]);
                    continue;
                }
                _ => return,
            },
        };
        seen.lock().unwrap().push(request.clone());
        let (status, fields, body) = answer(&request);
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let length = body.len();
        let whole =
            format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\n\r\n{body}");
        if stream.write_all(whole.as_bytes()).is_err() {
            return;
        }
    }
}

/// The first whole request, taken from the bytes.
fn request(bytes: &mut Vec<u8>) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let first: Vec<String> = lines.next()?.split(' ').map(str::to_owned).collect();
    let fields: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut request =
        Request { method: first[0].clone(), target: first[1].clone(), fields, body: String::new() };
    let length: usize = request.field("content-length").parse().unwrap_or(0);
    let body = bytes.get(end + 4..end + 4 + length)?;
    request.body = String::from_utf8_lossy(body).into_owned();
    bytes.drain(..end + 4 + length);
    Some(request)
}
