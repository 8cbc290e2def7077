//! A kept-alive TCP connection that carries one exchange after the other.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};

use portcullis_core::target::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::response::{Invalid, Response};

/// Why an exchange brought no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection.
    #[error("no connection to {0}: {1}")]
    Connect(SocketAddr, std::io::Error),
    /// The connection ended. `silent` means: before the first byte of the
    /// answer, so that an idempotent request may be sent again.
    #[error("{message}")]
    Closed {
        /// Whether no byte of the answer had come.
        silent: bool,
        /// What happened.
        message: String,
    },
    /// The answer is malformed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// How many exchanges it has carried.
    exchanges: u64,
}

/// The address that answers for a target: the first that accepts a connection.
///
/// # Errors
/// The name has no address, or none accepts a connection.
pub async fn resolve(target: &Target) -> std::io::Result<SocketAddr> {
    let addresses = (target.host.as_str(), target.port).to_socket_addrs()?;
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match Connection::open(address).await {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// The system's reason why there is none.
    #[expect(clippy::disallowed_methods, reason = "the one place where load sockets are opened")]
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::with_capacity(16 * 1024), exchanges: 0 })
    }

    /// Whether it has carried an exchange before.
    pub fn is_reused(&self) -> bool {
        self.exchanges > 0
    }

    /// Whether the server has closed it while it was idle.
    pub fn is_stale(&self) -> bool {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Err(error) => error.kind() != ErrorKind::WouldBlock,
            // Closed, or bytes that nobody asked for.
            Ok(_) => true,
        }
    }

    /// Sends a request and reads its response; whether the connection may be
    /// used again is the response's `keep_alive`.
    ///
    /// # Errors
    /// The connection ended, or the answer is malformed.
    pub async fn exchange(
        &mut self,
        request: &[u8],
        response: &mut Response,
    ) -> Result<bool, ExchangeError> {
        self.exchanges += 1;
        self.input.clear();
        if let Err(error) = self.stream.write_all(request).await {
            let message = format!("the server closed the connection: {error}");
            return Err(ExchangeError::Closed { silent: true, message });
        }
        let mut any = false;
        loop {
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) if !any => {
                    let message = "the server closed the connection without an answer".to_owned();
                    return Err(ExchangeError::Closed { silent: true, message });
                }
                Ok(0) => {
                    response.end()?;
                    return Ok(false);
                }
                Ok(_) => any = true,
                Err(error) => {
                    let message = format!("the connection broke: {error}");
                    return Err(ExchangeError::Closed { silent: !any, message });
                }
            }
            let taken = response.feed(&self.input)?;
            self.input.drain(..taken);
            if response.is_done() {
                // Bytes behind the answer belong to nothing we asked for.
                return Ok(response.head().keep_alive && self.input.is_empty());
            }
            acknowledge_at_once(&self.stream);
        }
    }
}

/// A server that sends head and body in separate segments waits for our
/// acknowledgement in between, which Linux delays by 40 ms on a kept-alive
/// connection. Set after a read that left the response incomplete, it sends
/// what is owed and costs nothing on the fast path; it is not lasting: tcp(7),
/// `TCP_QUICKACK`.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // Without it the numbers are those of a delayed acknowledgement: slower,
    // never faster, so a refusal needs no answer.
    let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}
