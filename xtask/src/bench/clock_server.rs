//! A small server that measures its own durations: a blocking thread for each
//! connection, no buffering. It reads the monotonic clock after the last byte of a
//! request and just before it writes the answer. It runs as a hidden command in its own
//! process, so that it can have its own core.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

/// The path whose requests are measured; everything else is answered at once.
pub const MEASURED_PATH: &str = "/work";
/// The path whose answer has the measured durations, in µs, as a JSON array.
pub const OWN_PATH: &str = "/own";

/// Flags of `bench-server`.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Set how answers take time
    #[arg(value_enum)]
    mode: Mode,
    /// Listen on this port of 127.0.0.1 and print it; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Begin the stall this long after the first measured request
    #[arg(long, default_value_t = 0)]
    stall_from_ms: u64,
    /// Set the length of the stall
    #[arg(long, default_value_t = 0)]
    stall_ms: u64,
    /// Stop the server after this time
    #[arg(long, default_value_t = 120)]
    lifetime_s: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Delay each answer by 2 to 20 ms
    Clock,
    /// Answer at once, except during one stall
    Stall,
}

struct Server {
    mode: Mode,
    stall: (Duration, Duration),
    first: OnceLock<Instant>,
    requests: AtomicU64,
    own_us: Mutex<Vec<u64>>,
}

/// Serves until its lifetime is over.
///
/// # Errors
/// The port is taken.
pub fn serve(args: &ServerArgs) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", args.port)).context("listening")?;
    println!("{}", listener.local_addr()?.port());
    let from = Duration::from_millis(args.stall_from_ms);
    let server = Arc::new(Server {
        mode: args.mode,
        stall: (from, from + Duration::from_millis(args.stall_ms)),
        first: OnceLock::new(),
        requests: AtomicU64::new(0),
        own_us: Mutex::default(),
    });
    std::thread::spawn(move || accept(&listener, &server));
    std::thread::sleep(Duration::from_secs(args.lifetime_s));
    Ok(())
}

fn accept(listener: &TcpListener, server: &Arc<Server>) {
    for stream in listener.incoming().flatten() {
        let server = Arc::clone(server);
        let thread = std::thread::Builder::new().stack_size(64 * 1024);
        // Without a thread the connection is closed, and the client reports that.
        let _ = thread.spawn(move || server.converse(stream));
    }
}

impl Server {
    /// Answers the requests of one connection until it ends.
    fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = [0; 4096];
        loop {
            let Some(length) = read_request(&mut stream, &mut buffer)? else { return Ok(()) };
            let arrived = Instant::now();
            let path = buffer[..length].split(|byte| *byte == b' ').nth(1);
            if path == Some(MEASURED_PATH.as_bytes()) {
                self.take_time(arrived);
                let answer = answer(r#"{"results":[1]}"#);
                let own = arrived.elapsed();
                stream.write_all(answer.as_bytes())?;
                let own_us = u64::try_from(own.as_micros()).unwrap_or(u64::MAX);
                self.own_us.lock().unwrap_or_else(PoisonError::into_inner).push(own_us);
            } else if path == Some(OWN_PATH.as_bytes()) {
                let own = self.own_us.lock().unwrap_or_else(PoisonError::into_inner);
                let text = answer(&format!("{own:?}"));
                drop(own);
                stream.write_all(text.as_bytes())?;
            } else {
                stream.write_all(answer("{}").as_bytes())?;
            }
        }
    }

    fn take_time(&self, arrived: Instant) {
        let first = *self.first.get_or_init(|| arrived);
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        match self.mode {
            Mode::Clock => std::thread::sleep(planned(number)),
            Mode::Stall => {
                let (from, end) = self.stall;
                let now = arrived.duration_since(first);
                if from <= now && now < end {
                    std::thread::sleep((first + end).saturating_duration_since(Instant::now()));
                }
            }
        }
    }
}

/// 97 durations between 2 and 20 ms, each once in 97 requests, in mixed order. They are
/// not whole milliseconds, so that rounding by a client shows.
fn planned(number: u64) -> Duration {
    Duration::from_micros(2_000 + (number * 37 % 97) * 18_000 / 96)
}

/// Reads up to the blank line that ends a request without a body; `None` at
/// the connection's end.
fn read_request(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<Option<usize>> {
    let mut length = 0;
    while !buffer[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer[length..])? {
            0 => return Ok(None),
            more => length += more,
        }
    }
    Ok(Some(length))
}

fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planned_time_comes_once_in_a_cycle() {
        let mut times: Vec<Duration> = (0..97).map(planned).collect();
        times.sort();
        times.dedup();
        assert_eq!(times.len(), 97);
        assert_eq!(times.first(), Some(&Duration::from_millis(2)));
        assert_eq!(times.last(), Some(&Duration::from_millis(20)));
    }
}
