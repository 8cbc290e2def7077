//! The server's address. Its name is resolved once, before the load, and the first address
//! that accepts a connection is used for the whole run.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::target::Target;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::stream::Endpoint;

/// Why the server cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The name has no address, or none of them accepts a connection.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, io::Error),
    /// The name cannot be in a certificate.
    #[error("{0} is not a name that a certificate can have")]
    Name(String),
}

/// How long one address may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The endpoint of a target.
///
/// # Errors
/// The name has no address, none accepts a connection, or the name cannot be used with TLS.
pub fn resolve(
    target: &Target,
    tls: Option<Arc<ClientConfig>>,
    acknowledge_at_once: bool,
) -> Result<Endpoint, ResolveError> {
    let failed = |error| ResolveError::Connect(target.url(), error);
    let addresses = (target.host.as_str(), target.port).to_socket_addrs().map_err(failed)?;
    let tls = match tls {
        None => None,
        Some(config) => {
            let name = ServerName::try_from(target.host.clone())
                .map_err(|_| ResolveError::Name(target.host.clone()))?;
            Some((config, name))
        }
    };
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match accepts(address) {
            Ok(()) => return Ok(Endpoint { address, tls, acknowledge_at_once }),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

#[expect(clippy::disallowed_methods, reason = "an address is tried before it is loaded")]
fn accepts(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&address, PATIENCE).map(drop)
}
