//! Starts the clock server as a separate process on the last core.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::clock_server::OWN_PATH;

/// A running clock server; dropping it stops it.
pub struct ServerProcess {
    child: Child,
    /// The port that it listens on.
    pub port: u16,
}

/// Starts the hidden command of this program with these arguments.
///
/// # Errors
/// It does not start, or prints no port.
pub fn start(arguments: &[&str]) -> Result<ServerProcess> {
    let mut command = Command::new("taskset");
    command.args(["-c", &last_core()?]).arg(std::env::current_exe()?).arg("bench-server");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn().context("starting the clock server")?;
    let mut server = ServerProcess { child, port: 0 };
    let mut line = String::new();
    if let Some(output) = server.child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    server.port = line.trim().parse().context("the clock server printed no port")?;
    Ok(server)
}

/// The number of the last core.
///
/// # Errors
/// The number of cores is unknown.
pub fn last_core() -> Result<String> {
    Ok(std::thread::available_parallelism()?.get().saturating_sub(1).to_string())
}

impl ServerProcess {
    /// The durations that the server measured, ascending, in milliseconds.
    ///
    /// # Errors
    /// It does not answer, or measured nothing.
    pub fn own_ms(&self) -> Result<Vec<f64>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(format!("GET {OWN_PATH} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (_, body) = text.split_once("\r\n\r\n").context("the clock server gave no answer")?;
        let own_us: Vec<u32> = serde_json::from_str(body)?;
        let mut own_ms: Vec<f64> = own_us.iter().map(|us| f64::from(*us) / 1e3).collect();
        own_ms.sort_by(f64::total_cmp);
        Ok(own_ms)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
