//! A noisy neighbour beside the servers, busy in bursts or always, each time on a
//! processor that is drawn: left to itself it would keep off the servers', and
//! disturb nobody.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    /// What all processes of one neighbour draw by
    seed: u64,
    /// The processor that this process is on
    own: u64,
    /// How many processors it is drawn from
    of: u64,
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

/// Is the neighbour on one processor, until its time is over. All its processes
/// draw the same, and one of them is busy at a time.
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

/// A neighbour of ours; dropping it ends it.
pub struct Neighbour(Vec<Child>);

impl Neighbour {
    /// Moves in.
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
            neighbour.0.push(process.spawn().context("the noisy neighbour")?);
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
