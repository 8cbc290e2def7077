//! A byte stream to the server, with or without TLS; it never blocks.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::error::ExchangeError;
use super::tls::Session;
use crate::reactor::Handle;

/// The address of connections, and their settings.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address that was resolved before the load.
    pub address: SocketAddr,
    /// TLS, with the name that the server's certificate must have.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Whether answers in several pieces are acknowledged at once.
    pub acknowledge_at_once: bool,
}

/// An open stream.
#[derive(Debug)]
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<Session>),
}

/// How long it took to open a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The time until TCP was connected.
    pub connect: Duration,
    /// The time from then until the TLS handshake was complete.
    pub handshake: Option<Duration>,
}

impl Stream {
    /// Opens a stream.
    ///
    /// # Errors
    /// No connection, no TLS on it, or the wait was interrupted.
    pub async fn open(
        handle: &Handle,
        endpoint: &Endpoint,
    ) -> Result<(Self, Opening), ExchangeError> {
        let failed = |error| ExchangeError::Connect(endpoint.address, error);
        let start = Instant::now();
        let socket = connect(handle, endpoint.address).await?;
        let connect = start.elapsed();
        let Some((config, name)) = endpoint.tls.clone() else {
            return Ok((Self::Plain(socket), Opening { connect, handshake: None }));
        };
        let refused = |error| failed(io::Error::new(io::ErrorKind::InvalidInput, error));
        let mut session = Session::new(socket, config, name).map_err(refused)?;
        loop {
            match session.shake_hands() {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    handle.clear();
                    handle.ready().await?;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        let handshake = Some(start.elapsed().saturating_sub(connect));
        Ok((Self::Tls(Box::new(session)), Opening { connect, handshake }))
    }

    /// Reads available bytes; 0 means the end.
    ///
    /// # Errors
    /// `WouldBlock` without available bytes, or another error of the system.
    pub fn read(&mut self, input: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(input),
            Self::Tls(session) => session.read(input),
        }
    }

    /// Whether a read of `count` bytes into `room` bytes has emptied the socket.
    pub fn is_drained(&self, count: usize, room: usize) -> bool {
        match self {
            Self::Plain(_) => count < room,
            // TLS records may be left, so only the socket itself can answer.
            Self::Tls(_) => false,
        }
    }

    /// Sends all bytes.
    ///
    /// # Errors
    /// The connection broke, or the wait was interrupted.
    pub async fn send(&mut self, handle: &Handle, mut bytes: &[u8]) -> Result<(), ExchangeError> {
        loop {
            let written = match self {
                Self::Plain(socket) => socket.write(bytes),
                Self::Tls(session) => session.write(bytes),
            };
            match written {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ExchangeError::refused(&error)),
            }
            let owes = matches!(self, Self::Tls(session) if session.owes());
            if bytes.is_empty() && !owes {
                return Ok(());
            }
            handle.clear();
            handle.ready().await?;
        }
    }

    /// The TCP socket.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(session) => session.socket(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where load sockets are opened")]
async fn connect(handle: &Handle, address: SocketAddr) -> Result<TcpStream, ExchangeError> {
    let failed = |error| ExchangeError::Connect(address, error);
    handle.clear();
    let mut socket = TcpStream::connect(address).map_err(failed)?;
    handle.watch(&mut socket).map_err(failed)?;
    loop {
        handle.ready().await?;
        if let Some(error) = socket.take_error().map_err(failed)? {
            return Err(failed(error));
        }
        match socket.peer_addr() {
            Ok(_) => break,
            // The event was of an earlier socket of this user; this one is still connecting.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => handle.clear(),
            Err(error) => return Err(failed(error)),
        }
    }
    socket.set_nodelay(true).map_err(failed)?;
    Ok(socket)
}
