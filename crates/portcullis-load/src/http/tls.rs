//! TLS through rustls: whom to believe, and a client's side of a connection.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// Whom to believe about a server's name.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Nobody: for a server that does not speak TLS.
    Nobody,
    /// The system's certificates.
    System,
    /// These, in PEM, and no others.
    Only(Vec<u8>),
    /// Whoever answers: the run says so wherever it tells of itself.
    Anyone,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates to believe cannot be read.
    #[error("the certificates cannot be used: {0}")]
    Certificates(String),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// A client's configuration for HTTP/1.1.
///
/// # Errors
/// Certificates that cannot be read, or none at all.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
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
            builder.with_root_certificates(roots(read)?).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let (added, ignored) = store.add_parsable_certificates(certificates);
    if added == 0 {
        let message = format!("none of the {} is a CA certificate", added + ignored);
        return Err(TlsError::Certificates(message));
    }
    Ok(store)
}

/// A verifier for `insecure = true`: signatures are checked, names are not.
#[derive(Debug)]
struct BelievesAnyone(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for BelievesAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// A TLS session over a socket that does not block. `WouldBlock` means: wait
/// for the socket.
#[derive(Debug)]
pub struct Session {
    socket: TcpStream,
    tls: ClientConnection,
}

impl Session {
    /// Begins a session; nothing is sent yet.
    ///
    /// # Errors
    /// rustls refuses.
    pub fn new(
        socket: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { socket, tls: ClientConnection::new(config, name)? })
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Goes on with the handshake, to its end.
    ///
    /// # Errors
    /// `WouldBlock`, the end of the connection, or a peer that is not believed.
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
            // The alert tells the server why, if it can still be sent.
            let _ = self.flush_records();
            return Err(invalid(error));
        }
        Ok(count)
    }

    /// Reads what was decrypted; 0 is a clean end.
    ///
    /// # Errors
    /// `WouldBlock`, or an end without TLS's farewell: a body may be cut off.
    pub fn read(&mut self, input: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(input) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.read_records()?,
                other => return other,
            };
        }
    }

    /// Encrypts what it takes of `bytes`, and sends what it can.
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

    /// Whether records wait to be sent.
    pub fn owes(&self) -> bool {
        self.tls.wants_write()
    }
}
