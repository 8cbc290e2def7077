//! `cargo xtask`: the verbs of this repository. `perf` is the product's own
//! pipeline; the others set up what development needs.
#![allow(clippy::disallowed_methods, reason = "xtask runs development tools")]

use clap::{Parser, Subcommand};
use portcullis::cli::PerfArgs;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The verbs of this repository")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole performance job: from a clean checkout to a verdict
    Perf(PerfArgs),
}

fn main() -> std::process::ExitCode {
    let code = match Cli::try_parse() {
        Err(error) => portcullis::cli::usage(&error),
        Ok(cli) => match cli.verb {
            Verb::Perf(args) => portcullis::cli::perf(&args),
        },
    };
    std::process::ExitCode::from(code)
}
