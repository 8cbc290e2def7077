//! The `portcullis` command: the only file that ends the process.

use std::process::ExitCode;

use portcullis::args::{Cli, Verb, parse};
use portcullis::commands::{
    self, baseline, check, config, doctor, history, init, manual, perf, report,
};
use portcullis::event::Nobody;

fn main() -> ExitCode {
    let arguments = match commands::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return ExitCode::from(code),
    };
    ExitCode::from(match parse::<Cli>(arguments) {
        Err(error) => commands::usage(&error),
        Ok(Cli { verb }) => match verb {
            Verb::Perf(args) => perf::run(&args, &Nobody),
            Verb::Init(args) => init::run(&args),
            Verb::Doctor(args) => doctor::run(&args),
            Verb::Check(args) => check::run(&args),
            Verb::Report(args) => report::run(&args),
            Verb::Baseline(args) => baseline::run(&args),
            Verb::Config(args) => config::run(&args),
            Verb::History(args) => history::run(&args),
            Verb::Defaults => manual::defaults(),
            Verb::Completions { shell } => manual::completions(shell),
            Verb::Man { command } => manual::page(command.as_deref()),
        },
    })
}
