//! All fault cases: a module for each group.

mod database;
mod during_load;
mod environment;
mod hostile_content;
mod isolation;
mod isolation_served;
mod preparation;
mod secrets;
mod server_start;
mod services;
mod us;
mod us_inherited;
mod verdict;

use anyhow::{Result, bail};

use super::case::FaultCase;

/// Every case, in the order of the documentation.
pub fn all() -> Vec<FaultCase> {
    [
        environment::cases(),
        preparation::cases(),
        isolation::cases(),
        database::cases(),
        services::cases(),
        server_start::cases(),
        during_load::cases(),
        verdict::cases(),
        hostile_content::cases(),
        us::cases(),
        secrets::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Waits until `stranger.py` listens.
fn wait_for_listener(port: u16) -> Result<()> {
    for _ in 0..500 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    bail!("stranger.py does not listen on {port}")
}
