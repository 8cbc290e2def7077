//! A kept connection that carries one exchange after another.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::error::ExchangeError;
use super::response::{Invalid, Response};
use super::stream::{Endpoint, Opening, Stream};
use crate::reactor::Handle;

/// A complete answer.
#[derive(Clone, Copy, Debug)]
pub struct Exchanged {
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// The number of bytes after the answer that its length does not count.
    pub surplus: usize,
    /// The time when its first byte was read.
    pub first_byte: Instant,
}

/// The state of a connection between two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It can carry another exchange.
    Usable,
    /// The server has closed it.
    Closed,
    /// Bytes came behind the last answer, at least this many: its length was too small.
    LateBytes(usize),
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// Bytes of an answer that were read but cannot be parsed yet: a part of a head, or of a
    /// chunk's size.
    pending: Vec<u8>,
    acknowledge_at_once: bool,
    /// How long it took to connect.
    connect: Duration,
    /// The number of exchanges so far.
    exchanges: u64,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// No connection could be opened, or the wait was interrupted.
    pub async fn open(
        handle: &Handle,
        endpoint: &Endpoint,
    ) -> Result<(Self, Opening), ExchangeError> {
        let (stream, opening) = Stream::open(handle, endpoint).await?;
        let connection = Self {
            stream,
            pending: Vec::new(),
            acknowledge_at_once: endpoint.acknowledge_at_once,
            connect: opening.connect,
            exchanges: 0,
        };
        Ok((connection, opening))
    }

    /// Whether it has carried an exchange before.
    pub fn is_reused(&self) -> bool {
        self.exchanges > 0
    }

    /// How long after sending the server may close it and the request still be one that crossed
    /// a close: an idle connection is closed without regard to the request.
    pub fn crossing(&self) -> Duration {
        CROSSING.max(self.connect * 4)
    }

    /// Its state between two exchanges. Asks the system only if the socket had an event.
    pub fn idle(&mut self, handle: &Handle) -> Idle {
        if handle.is_ready() { self.look(handle) } else { Idle::Usable }
    }

    /// The same, asking the system in any case.
    pub fn look(&mut self, handle: &Handle) -> Idle {
        let mut input = handle.input();
        match self.stream.read(&mut input) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                handle.clear();
                Idle::Usable
            }
            Ok(0) | Err(_) => Idle::Closed,
            Ok(count) if is_request_timeout(input.get(..count).unwrap_or_default()) => Idle::Closed,
            Ok(count) => Idle::LateBytes(count),
        }
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// The connection ended, the answer is malformed, or the wait was interrupted.
    pub async fn exchange(
        &mut self,
        handle: &Handle,
        request: &[u8],
        response: &mut Response,
    ) -> Result<Exchanged, ExchangeError> {
        self.exchanges += 1;
        self.pending.clear();
        self.stream.send(handle, request).await?;
        let is_new_session = self.exchanges == 1 && matches!(self.stream, Stream::Tls(_));
        if is_new_session && self.acknowledge_at_once {
            // The server's session tickets may come only now. Without an acknowledgement of
            // them, a server with Nagle's algorithm holds back its answer.
            acknowledge(&self.stream);
        }
        let mut first_byte = None;
        loop {
            handle.ready().await?;
            let any = first_byte.is_some();
            match self.read(handle, response) {
                Ok(0) if !any => {
                    let message = "the server closed the connection without an answer".to_owned();
                    return Err(ExchangeError::Closed { silent: true, message });
                }
                Ok(0) => {
                    response.end()?;
                    let first_byte = first_byte.unwrap_or_else(Instant::now);
                    return Ok(Exchanged { keep_alive: false, surplus: 0, first_byte });
                }
                Ok(_) => {}
                Err(ReadError::Invalid(invalid)) => return Err(invalid.into()),
                Err(ReadError::System(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if is_new_session && self.acknowledge_at_once {
                        acknowledge(&self.stream);
                    }
                    handle.clear();
                    continue;
                }
                Err(ReadError::System(error)) if error.kind() == ErrorKind::Interrupted => continue,
                Err(ReadError::System(error)) => {
                    let message = format!("the connection broke: {error}");
                    return Err(ExchangeError::Closed { silent: !any, message });
                }
            }
            let first_byte = *first_byte.get_or_insert_with(Instant::now);
            if response.is_done() {
                // Bytes after the answer do not belong to any request.
                let surplus = self.pending.len();
                let keep_alive = response.head().keep_alive && surplus == 0;
                return Ok(Exchanged { keep_alive, surplus, first_byte });
            }
            if self.acknowledge_at_once {
                acknowledge(&self.stream);
            }
        }
    }

    /// Reads once, and parses as much as possible directly from the buffer.
    fn read(&mut self, handle: &Handle, response: &mut Response) -> Result<usize, ReadError> {
        let mut input = handle.input();
        let count = self.stream.read(&mut input).map_err(ReadError::System)?;
        if self.stream.is_drained(count, input.len()) {
            handle.drained();
        }
        let bytes = input.get(..count).unwrap_or_default();
        if self.pending.is_empty() {
            let taken = response.feed(bytes).map_err(ReadError::Invalid)?;
            self.pending.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            self.pending.extend_from_slice(bytes);
            let taken = response.feed(&self.pending).map_err(ReadError::Invalid)?;
            self.pending.drain(..taken);
        }
        Ok(count)
    }
}

/// The least time for [`Connection::crossing`].
const CROSSING: Duration = Duration::from_millis(10);

/// Whether these bytes begin a 408, which a server may send before it closes an idle
/// connection (RFC 9110, section 15.5.9).
fn is_request_timeout(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.") && bytes.get(8..12) == Some(b" 408")
}

/// Why a read gave no data.
enum ReadError {
    System(io::Error),
    Invalid(Invalid),
}

/// Sends a delayed acknowledgement at once. A server that writes head and body in separate
/// segments waits for an acknowledgement in between, which Linux delays by 40 ms on a kept
/// connection. It is called after a read that left the response incomplete, so a complete
/// one costs nothing. The option does not last: tcp(7), `TCP_QUICKACK`.
#[cfg(target_os = "linux")]
fn acknowledge(stream: &Stream) {
    // If the system refuses, acknowledgements are delayed and latencies are longer, never
    // shorter. So the error is ignored.
    let _ = rustix::net::sockopt::set_tcp_quickack(stream.socket(), true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &Stream) {}
