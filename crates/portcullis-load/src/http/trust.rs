//! Which certificates are trusted, and whether an error says that one is not.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::tls::TlsError;

/// Whether this error, or one that caused it, is a certificate that is not trusted.
pub fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
        return true;
    }
    // The source of an I/O error is that of the error in it.
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let within = within.is_some_and(|error| is_untrusted(error as &(dyn Error + 'static)));
    within || error.source().is_some_and(is_untrusted)
}

/// A verifier for `load.ca`: certificates of the listed authorities, and the listed
/// certificates themselves. A tool that makes a certificate for a test calls it an authority,
/// and often gives it no name, so that no path to it can be built.
#[derive(Debug)]
pub struct Listed {
    paths: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
}

impl Listed {
    /// A verifier for these certificates.
    ///
    /// # Errors
    /// None of them is a certificate.
    pub fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let roots = Arc::new(roots(certificates.clone())?);
        let paths = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let paths = paths.map_err(|error| TlsError::Certificates(error.to_string()))?;
        Ok(Self { paths, listed: certificates })
    }
}

/// The certificates as authorities.
///
/// # Errors
/// None of them is a certificate.
pub fn roots(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let (added, ignored) = store.add_parsable_certificates(certificates);
    if added == 0 {
        let message = format!("none of the {} is a CA certificate", added + ignored);
        return Err(TlsError::Certificates(message));
    }
    Ok(store)
}

/// Whether an error is only about the name or the issuer. A path is built after the dates
/// were checked, so such a certificate is not expired.
fn is_about_path(error: &rustls::Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext, Other, UnknownIssuer};
    let rustls::Error::InvalidCertificate(error) = error else { return false };
    matches!(error, UnknownIssuer | NotValidForName | NotValidForNameContext { .. } | Other(_))
}

impl ServerCertVerifier for Listed {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.paths.verify_server_cert(leaf, others, name, ocsp, now);
        match verified {
            Err(error) if is_about_path(&error) && self.listed.iter().any(|one| one == leaf) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.paths.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.paths.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.paths.supported_verify_schemes()
    }
}

/// A verifier for `insecure = true`: it checks signatures, but not names.
#[derive(Debug)]
pub struct BelievesAnyone(pub WebPkiSupportedAlgorithms);

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
