//! A noisy neighbour: one busy process beside the servers, in bursts or always.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use portcullis::rng::{Domain, Rng};

/// Flags of the hidden verb `bench-neighbour`.
#[derive(Debug, Args)]
pub struct NeighbourArgs {
    /// How it is busy
    #[arg(value_enum)]
    noise: Noise,
    /// When it ends by itself, in seconds
    seconds: u64,
}

/// What goes on beside the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Noise {
    /// Nothing of ours.
    Quiet,
    /// Busy for 50 to 150 ms, then idle for 50 to 300 ms.
    Bursty,
    /// Busy without an end.
    Steady,
}

impl Noise {
    /// The noise as tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Bursty => "bursty",
            Self::Steady => "steady",
        }
    }
}

/// Is the neighbour, until its time is over.
pub fn be(args: &NeighbourArgs) {
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut chance = Rng::stream(u64::from(std::process::id()), Domain::Arrival, 0);
    let mut between = |from: u64, to: u64| Duration::from_millis(from + chance.below(to - from));
    while Instant::now() < end {
        let busy = match args.noise {
            Noise::Quiet => Duration::ZERO,
            Noise::Bursty => between(50, 150),
            Noise::Steady => Duration::from_millis(100),
        };
        let until = Instant::now() + busy;
        while Instant::now() < until {
            std::hint::black_box(until);
        }
        match args.noise {
            Noise::Quiet => std::thread::sleep(Duration::from_millis(100)),
            Noise::Bursty => std::thread::sleep(between(50, 300)),
            Noise::Steady => {}
        }
    }
}

/// A neighbour of ours; dropping it ends it.
pub struct Neighbour(Option<Child>);

impl Neighbour {
    /// Moves in.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start(noise: Noise) -> Result<Self> {
        if noise == Noise::Quiet {
            return Ok(Self(None));
        }
        let own = std::env::current_exe()?;
        let child = Command::new(own)
            .args(["bench-neighbour", noise.name(), "600"])
            .stdin(Stdio::null())
            .spawn()
            .context("the noisy neighbour")?;
        Ok(Self(Some(child)))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
