//! HTTP/1.1 over TCP or TLS: a response parser without I/O, and the connection that gives
//! it bytes. One request at a time; no pipelining, redirects, or proxies.

mod connection;
mod error;
mod resolve;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod trust;

pub use connection::{Connection, Exchanged, Idle};
pub use error::ExchangeError;
pub use resolve::{ResolveError, resolve};
pub use response::{Head, Invalid, Response};
pub use stream::{Endpoint, Opening};
pub use tls::{TlsError, Trust, client_config};
pub use trust::is_untrusted;
