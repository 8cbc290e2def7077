//! A noisy neighbour process, busy in bursts or all the time, each time on a random CPU.
//! If the kernel could choose the CPU, it would avoid that of the servers, and there
//! would be no disturbance.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use portcullis::rng::{Domain, Rng};

/// Flags of the hidden command `bench-neighbour`.
#[derive(Debug, Args)]
pub struct NeighbourArgs {
    /// Set when it is busy
    #[arg(value_enum)]
    noise: Noise,
    /// Stop after this many seconds
    seconds: u64,
    /// Use this seed in all processes of one neighbour
    seed: u64,
    /// Use the CPU with this number in this process
    own: u64,
    /// Choose among this many CPUs
    of: u64,
}

/// The noise beside the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Noise {
    /// Make no noise
    Quiet,
    /// Be busy for 50 to 150 ms, then idle for 50 to 300 ms
    Bursty,
    /// Be busy all the time
    Steady,
}

impl Noise {
    /// The name of the noise in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Bursty => "bursty",
            Self::Steady => "steady",
        }
    }
}

/// Runs the neighbour process of one CPU until its time is over. All processes of a
/// neighbour use the same random numbers, so only one of them is busy at a time.
pub fn be(args: &NeighbourArgs) {
    let mut chance = Rng::stream(args.seed, Domain::Arrival, 0);
    let mut at = Instant::now();
    let end = at + Duration::from_secs(args.seconds);
    while at < end {
        let mut between =
            |from: u64, to: u64| Duration::from_millis(from + chance.below(to - from));
        let (busy, idle) = match args.noise {
            Noise::Quiet => (Duration::ZERO, Duration::from_millis(100)),
            Noise::Bursty => (between(50, 150), between(50, 300)),
            Noise::Steady => (between(50, 150), Duration::ZERO),
        };
        let is_here = chance.below(args.of) == args.own;
        while is_here && Instant::now() < at + busy {
            std::hint::black_box(at);
        }
        at += busy + idle;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
    }
}

/// A running neighbour; dropping it stops it.
pub struct Neighbour(Vec<Child>);

impl Neighbour {
    /// Starts its processes, one for each CPU.
    ///
    /// # Errors
    /// A process cannot be started.
    pub fn start(noise: Noise) -> Result<Self> {
        let mut neighbour = Self(Vec::new());
        if noise == Noise::Quiet {
            return Ok(neighbour);
        }
        let own = std::env::current_exe()?;
        let cores = std::thread::available_parallelism()?.get();
        let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string();
        for core in (0..cores).map(|core| core.to_string()) {
            let mut process = Command::new("taskset");
            process.args(["-c", &core]).arg(&own).args(["bench-neighbour", noise.name(), "600"]);
            process.args([&seed, &core, &cores.to_string()]).stdin(Stdio::null());
            neighbour.0.push(process.spawn().context("starting the noisy neighbour")?);
        }
        Ok(neighbour)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
