//! `cargo xtask test`: the fixture's own suite, then every test of the
//! workspace, with a real Locust for the tests that use one, and the quick part of
//! the fault cases.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{browser, faults, tools};

/// Flags of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Skip the tests that run the whole job
    #[arg(long)]
    fast: bool,
    /// Run the long tests too, which CI leaves out
    #[arg(long, conflicts_with_all = ["fast", "browser"])]
    full: bool,
    /// Run the tests of the page in a real browser instead
    #[arg(long, conflicts_with_all = ["fast", "filter"])]
    browser: bool,
    /// Run only tests whose name contains this
    filter: Option<String>,
}

/// Runs the tests.
///
/// # Errors
/// A test failed, or something that the tests need is missing.
pub fn run(args: &TestArgs) -> Result<()> {
    if args.browser {
        return browser::test();
    }
    let fixture = tools::root().join("fixtures/upstream");
    let bin = tools::development_environment()?;
    terminal()?;
    if args.filter.is_none() {
        pytest(&fixture, &bin)?;
    }
    cargo(args, &bin)?;
    if args.filter.is_none() && !args.fast {
        faults::quick()?;
    }
    Ok(())
}

/// Installs tmux, which the tests of the terminal use. Without it these tests are skipped
/// with a message; in CI nothing may be skipped.
fn terminal() -> Result<()> {
    if tools::is_there("tmux", &["-V"]) {
        return Ok(());
    }
    match tools::install_debian("tmux") {
        Err(error) if tools::is_ci() => Err(error),
        Err(error) => {
            eprintln!("xtask: {error}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn pytest(fixture: &Path, bin: &Path) -> Result<()> {
    let arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];
    let mut pytest = Command::new(bin.join("python"));
    tools::run(pytest.args(arguments).current_dir(fixture).env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn cargo(args: &TestArgs, bin: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    let has_nextest = tools::is_there("cargo", &["nextest", "--version"]);
    let verb: &[&str] = if has_nextest { &["nextest", "run"] } else { &["test"] };
    cargo.args(verb).args(["--locked", "--workspace"]);
    if has_nextest {
        cargo.arg("--no-fail-fast");
    }
    if args.full && has_nextest {
        cargo.args(["--run-ignored", "all"]);
    }
    cargo.args(&args.filter);
    if args.fast {
        let skip: &[&str] =
            if has_nextest { &["-E", "not binary(/^e2e/)"] } else { &["--lib", "--bins"] };
        cargo.args(skip);
    }
    if args.full && !has_nextest {
        cargo.args(["--", "--include-ignored"]);
    }
    cargo.env("PORTCULLIS_TEST_BIN", bin).current_dir(tools::root());
    tools::run(&mut cargo)
}
