//! A kept connection that carries one exchange after another.

use std::io::{self, ErrorKind};
use std::time::Instant;

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

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// Bytes of an answer that were read but cannot be parsed yet: a part of a head, or of a
    /// chunk's size.
    pending: Vec<u8>,
    acknowledge_at_once: bool,
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
        let acknowledge_at_once = endpoint.acknowledge_at_once;
        Ok((Self { stream, pending: Vec::new(), acknowledge_at_once, exchanges: 0 }, opening))
    }

    /// Whether it has carried an exchange before.
    pub fn is_reused(&self) -> bool {
        self.exchanges > 0
    }

    /// Whether the server has closed it while it was idle, or sent unexpected bytes. Asks the
    /// system only if the socket had an event.
    pub fn is_stale(&mut self, handle: &Handle) -> bool {
        if !handle.is_ready() {
            return false;
        }
        match self.stream.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                handle.clear();
                false
            }
            _ => true,
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
