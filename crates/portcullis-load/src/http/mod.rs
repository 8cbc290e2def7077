//! HTTP/1.1 over TCP: a response parser without I/O, and the connection that
//! feeds it. One request at a time; no pipelining, no redirects, no proxies.

mod connection;
mod response;
#[cfg(test)]
mod tests;

pub use connection::{Connection, ExchangeError, resolve};
pub use response::{Head, Invalid, Response};
