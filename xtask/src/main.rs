//! `cargo xtask`: the verbs of this repository. `perf` is the product's own
//! pipeline; the others set up what development needs.
#![allow(clippy::disallowed_methods, reason = "xtask runs development tools")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "xtask talks to a developer")]

mod bench;
mod browser;
mod faults;
mod lint;
mod pictures;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use portcullis::args::{BaselineArgs, CheckArgs, PerfArgs, ReportArgs};
use portcullis::commands;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The verbs of this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole performance job: from a clean checkout to a verdict
    Perf(Box<PerfArgs>),
    /// Judge results that exist: perf_results.json, or a statistics file of Locust
    Check(CheckArgs),
    /// Tell results again: the page, the summary, tables; or two of them side by side
    Report(ReportArgs),
    /// Look after the stored baseline
    Baseline(BaselineArgs),
    /// Run every test; sets up what they need
    Test(test::TestArgs),
    /// Measure the product beside its peers, in one run on this machine
    Bench(bench::BenchArgs),
    /// Cause faults for real, and look at what comes of them and what is left
    Faults(faults::FaultsArgs),
    /// Be a noisy neighbour of the benchmarks
    #[command(hide = true)]
    BenchNeighbour(bench::judge::neighbour::NeighbourArgs),
    /// Serve known times to the benchmarks' clients
    #[command(hide = true)]
    BenchServer(bench::clock_server::ServerArgs),
    /// Make the pictures of README and documentation, of real runs
    Pictures(pictures::PicturesArgs),
    /// Check formatting, clippy, documentation and workflows
    Lint,
}

fn main() -> std::process::ExitCode {
    let arguments = match commands::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return std::process::ExitCode::from(code),
    };
    match Cli::try_parse_from(arguments) {
        Err(error) => std::process::ExitCode::from(commands::usage(&error)),
        Ok(Cli { verb: Verb::Perf(args) }) => {
            let listener = faults::Panics::from_environment();
            std::process::ExitCode::from(commands::perf::run(&args, &listener))
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
        Ok(Cli { verb: Verb::Test(args) }) => finish(test::run(&args)),
        Ok(Cli { verb: Verb::Bench(args) }) => finish(bench::run(&args)),
        Ok(Cli { verb: Verb::Faults(args) }) => finish(faults::run(&args)),
        Ok(Cli { verb: Verb::BenchServer(args) }) => finish(bench::clock_server::serve(&args)),
        Ok(Cli { verb: Verb::BenchNeighbour(args) }) => {
            bench::judge::neighbour::be(&args);
            std::process::ExitCode::SUCCESS
        }
        Ok(Cli { verb: Verb::Pictures(args) }) => finish(pictures::run(&args)),
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
