//! `cargo xtask`: the commands of this repository. `perf`, `check`, `report` and
//! `baseline` are commands of the product; the others are for development.
#![allow(clippy::disallowed_methods, reason = "xtask runs development tools")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "xtask talks to a developer")]

mod bench;
mod browser;
mod dist;
mod faults;
mod lint;
mod pictures;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use portcullis::args::{
    BaselineArgs, CheckArgs, ConfigurationArgs, DoctorArgs, HistoryArgs, InitArgs, PerfArgs,
    ReportArgs, parse,
};
use portcullis::commands;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Run the commands of this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole performance job, from a clean checkout to a verdict
    Perf(Box<PerfArgs>),
    /// Write a perf.toml for the project in a folder, and try it
    Init(InitArgs),
    /// Look for everything that would keep a run from a verdict
    Doctor(Box<DoctorArgs>),
    /// Check existing results: perf_results.json or a statistics file of Locust
    Check(CheckArgs),
    /// Render a run's artifacts again, or show two runs side by side
    Report(ReportArgs),
    /// Manage the stored baseline
    Baseline(BaselineArgs),
    /// Print the effective configuration, and where each value came from
    Config(Box<ConfigurationArgs>),
    /// Write a page of many runs, with the changes that lasted
    History(HistoryArgs),
    /// Run every test, and install what the tests need
    Test(test::TestArgs),
    /// Compare the product with other tools, in one run on this machine
    Bench(bench::BenchArgs),
    /// Cause real faults, and check the outcome and what is left behind
    Faults(faults::FaultsArgs),
    /// Run as the noisy neighbour process of the benchmarks
    #[command(hide = true)]
    BenchNeighbour(bench::judge::neighbour::NeighbourArgs),
    /// Serve answers with known durations to the benchmarks' clients
    #[command(hide = true)]
    BenchServer(bench::clock_server::ServerArgs),
    /// Make the pictures of README and documentation from real runs
    Pictures(pictures::PicturesArgs),
    /// Build the wheel, the Debian package and the static program, and prove them
    Dist(dist::DistArgs),
    /// Check formatting, clippy, documentation and workflows
    Lint,
}

fn main() -> std::process::ExitCode {
    let arguments = match commands::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return std::process::ExitCode::from(code),
    };
    match parse::<Cli>(arguments) {
        Err(error) => std::process::ExitCode::from(commands::usage(&error)),
        Ok(Cli { verb: Verb::Perf(args) }) => {
            let listener = faults::Panics::from_environment();
            std::process::ExitCode::from(commands::perf::run(&args, &listener))
        }
        Ok(Cli { verb: Verb::Init(args) }) => {
            std::process::ExitCode::from(commands::init::run(&args))
        }
        Ok(Cli { verb: Verb::Doctor(args) }) => {
            std::process::ExitCode::from(commands::doctor::run(&args))
        }
        Ok(Cli { verb: Verb::Check(args) }) => {
            std::process::ExitCode::from(commands::check::run(&args))
        }
        Ok(Cli { verb: Verb::Report(args) }) => {
            std::process::ExitCode::from(commands::report::run(&args))
        }
        Ok(Cli { verb: Verb::Baseline(args) }) => {
            std::process::ExitCode::from(commands::baseline::run(&args))
        }
        Ok(Cli { verb: Verb::Config(args) }) => {
            std::process::ExitCode::from(commands::config::run(&args))
        }
        Ok(Cli { verb: Verb::History(args) }) => {
            std::process::ExitCode::from(commands::history::run(&args))
        }
        Ok(Cli { verb: Verb::Test(args) }) => finish(test::run(&args)),
        Ok(Cli { verb: Verb::Bench(args) }) => finish(bench::run(&args)),
        Ok(Cli { verb: Verb::Faults(args) }) => finish(faults::run(&args)),
        Ok(Cli { verb: Verb::BenchServer(args) }) => finish(bench::clock_server::serve(&args)),
        Ok(Cli { verb: Verb::BenchNeighbour(args) }) => {
            bench::judge::neighbour::be(&args);
            std::process::ExitCode::SUCCESS
        }
        Ok(Cli { verb: Verb::Pictures(args) }) => finish(pictures::run(&args)),
        Ok(Cli { verb: Verb::Dist(args) }) => finish(dist::run(&args)),
        Ok(Cli { verb: Verb::Lint }) => finish(lint::run()),
    }
}

fn finish(result: anyhow::Result<()>) -> std::process::ExitCode {
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
