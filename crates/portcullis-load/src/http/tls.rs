//! TLS with rustls: which certificates are trusted, and the client side of a connection.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::trust::{BelievesAnyone, Listed, roots};

/// Which certificates are trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// None: for a server without TLS.
    Nobody,
    /// The system's certificates.
    System,
    /// Only these and what they have signed, in PEM.
    Only(Vec<u8>),
    /// Any certificate; console and results say so.
    Anyone,
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The trusted certificates cannot be read.
    #[error("the certificates cannot be used: {0}")]
    Certificates(String),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// The client's configuration for HTTP/1.1.
///
/// # Errors
/// The certificates cannot be read, or there are none.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let provider: Arc<CryptoProvider> = provider;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let mut config = match trust {
        Trust::Anyone => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(BelievesAnyone(algorithms)))
            .with_no_client_auth(),
        Trust::Nobody => {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            let roots = roots(found.certs)?;
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Only(pem) => {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let read = read.map_err(|error| TlsError::Certificates(error.to_string()))?;
            let verifier = Arc::new(Listed::new(read, provider)?);
            let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
            builder.with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A TLS session over a non-blocking socket. `WouldBlock` means: wait for the socket.
#[derive(Debug)]
pub struct Session {
    socket: TcpStream,
    tls: ClientConnection,
}

impl Session {
    /// Begins a session; nothing is sent yet.
    ///
    /// # Errors
    /// rustls refuses the name or the configuration.
    pub fn new(
        socket: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { socket, tls: ClientConnection::new(config, name)? })
    }

    /// The TCP socket.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Continues the handshake until it is complete.
    ///
    /// # Errors
    /// `WouldBlock`, the end of the connection, or a server that is not trusted.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.flush_records()?;
            if self.tls.is_handshaking() {
                self.read_records()?;
            }
        }
        self.flush_records()
    }

    fn flush_records(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    fn read_records(&mut self) -> io::Result<usize> {
        let count = self.tls.read_tls(&mut self.socket)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        if let Err(error) = self.tls.process_new_packets() {
            // Tries to send the alert, which tells the server the reason.
            let _ = self.flush_records();
            return Err(invalid(error));
        }
        Ok(count)
    }

    /// Reads decrypted bytes; 0 means a clean end.
    ///
    /// # Errors
    /// `WouldBlock`, or an end without TLS's closing alert, after which a body may be
    /// incomplete.
    pub fn read(&mut self, input: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(input) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.read_records()?,
                other => return other,
            };
        }
    }

    /// Encrypts as much of `bytes` as possible, and sends as much as possible.
    ///
    /// # Errors
    /// The connection broke.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match bytes.is_empty() {
            true => 0,
            false => self.tls.writer().write(bytes)?,
        };
        match self.flush_records() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Whether records still wait to be sent.
    pub fn owes(&self) -> bool {
        self.tls.wants_write()
    }
}
