//! A server that answers as a test says: a thread for each connection, and a
//! closure that is told the number of the request and its path.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is done with a request.
#[allow(dead_code, reason = "each test uses a part of it")]
pub enum Reply {
    /// An answer of 200 with this JSON, after a while.
    After(Duration, &'static str),
    /// The same, head and body in two segments with Nagle's algorithm on.
    InPieces(&'static str),
    /// Bytes as they are, then the end of the connection.
    Close(&'static [u8]),
    /// The end of the connection after a while, without an answer.
    Drop(Duration),
    /// Bytes as they are, and more of them after a while.
    Late(&'static [u8], Duration, &'static [u8]),
}

/// One request, as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// From the server's start to the request's last byte.
    pub at: Duration,
    /// Method and path.
    pub line: String,
}

/// A server of a test; its threads end with the test's process.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Connections that it has accepted.
    pub connections: Arc<AtomicU64>,
    seen: Arc<std::sync::Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server on loopback.
    pub fn start(reply: impl Fn(u64, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on("127.0.0.1:0", reply)
    }

    /// Starts a server on an address.
    pub fn start_on(
        address: &str,
        reply: impl Fn(u64, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, seen) = (Arc::new(AtomicU64::new(0)), Arc::default());
        let (counted, noted) = (Arc::clone(&connections), Arc::clone(&seen));
        let reply = Arc::new(reply);
        let requests = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (reply, requests, noted) =
                    (reply.clone(), requests.clone(), Arc::clone(&noted));
                std::thread::spawn(move || {
                    let serve = || converse(stream?, &*reply, &requests, &noted, start);
                    // A client that went away is what some tests are about.
                    let _: std::io::Result<()> = serve();
                });
            }
        });
        Self { address, connections, seen }
    }

    /// A server that answers everything at once with one item.
    pub fn agreeable() -> Self {
        Self::start(|_, _| Reply::After(Duration::ZERO, ONE))
    }

    /// Its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of their arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A body with one item, and a token.
pub const ONE: &str = r#"{"access":"token","results":[{"id":1}]}"#;

fn converse(
    mut stream: TcpStream,
    reply: &dyn Fn(u64, &str) -> Reply,
    requests: &AtomicU64,
    seen: &std::sync::Mutex<Vec<Seen>>,
    start: Instant,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(line) = requested(&mut stream)? {
        seen.lock().unwrap().push(Seen { at: start.elapsed(), line: line.clone() });
        let number = requests.fetch_add(1, Ordering::SeqCst);
        match reply(number, &line) {
            Reply::After(wait, body) => {
                std::thread::sleep(wait);
                stream.write_all(format!("{}{body}", head(body)).as_bytes())?;
            }
            Reply::InPieces(body) => {
                stream.set_nodelay(false)?;
                stream.write_all(head(body).as_bytes())?;
                stream.write_all(body.as_bytes())?;
            }
            Reply::Late(bytes, wait, more) => {
                stream.write_all(bytes)?;
                std::thread::sleep(wait);
                stream.write_all(more)?;
            }
            Reply::Drop(wait) => {
                std::thread::sleep(wait);
                return Ok(());
            }
            Reply::Close(bytes) => {
                stream.write_all(bytes)?;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn head(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())
}

/// Reads a request with its body; its method and path, or nothing at the end.
fn requested(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::new();
    let mut byte = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                let words: Vec<&str> = head.split(' ').take(2).collect();
                return Ok(Some(words.join(" ")));
            }
        }
        match stream.read(&mut byte)? {
            0 => return Ok(None),
            count => request.extend_from_slice(&byte[..count]),
        }
    }
}
