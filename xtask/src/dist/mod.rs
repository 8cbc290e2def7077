//! `cargo xtask dist`: the packages that people install, in `target/dist`, and a proof
//! that each of them runs the bundled job in a clean environment without Rust.

mod archive;
mod companions;
mod deb;
mod needs;
mod prove;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::tools;

/// The target of every package that is built here.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What is installed, before compression; a dependency goes if it is larger.
const LARGEST: u64 = 12_000_000;

/// Flags of `dist`.
#[derive(Debug, Args)]
pub struct DistArgs {
    /// Install what an earlier run built, and do not build again
    #[arg(long)]
    prove_only: bool,
    /// Build, and do not install anything
    #[arg(long, conflicts_with = "prove_only")]
    build_only: bool,
}

/// The packages of one version.
#[derive(Debug)]
struct Packages {
    wheel: PathBuf,
    deb: PathBuf,
    archive: PathBuf,
}

/// Builds the packages, and runs the bundled job with each of them.
///
/// # Errors
/// A tool is missing, a build failed, or an installed program did not pass.
pub fn run(args: &DistArgs) -> Result<()> {
    let folder = tools::root().join("target/dist");
    let packages = Packages {
        wheel: folder.join(format!("portcullis_perf-{}-py3-none-{}.whl", version(), wheel::TAG)),
        deb: folder.join(format!("portcullis_{}_amd64.deb", version())),
        archive: folder.join(format!("portcullis-{}-x86_64-linux.tar.gz", version())),
    };
    if !args.prove_only {
        build(&folder, &packages)?;
    }
    if !args.build_only {
        prove::all(&packages)?;
    }
    Ok(())
}

fn build(folder: &Path, packages: &Packages) -> Result<()> {
    let companions = folder.join("companions");
    companions::write(&companions)?;
    let binary = wheel::build(folder, &companions)?;
    needs::only_glibc_217(&binary)?;
    needs::smaller_than(&binary, LARGEST)?;
    deb::build(folder, &binary, &companions, &packages.deb)?;
    let binary = archive::binary(folder)?;
    needs::no_library(&binary)?;
    archive::build(folder, &binary, &companions, &packages.archive)
}

/// The version of every package: that of the workspace.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Moves the line tables of a program into a file beside the packages, and the stripped
/// program to `to`.
fn strip(binary: &Path, debug: &Path, to: &Path) -> Result<()> {
    let objcopy = || Command::new("objcopy");
    tools::run(objcopy().arg("--only-keep-debug").arg(binary).arg(debug))?;
    let mut link = std::ffi::OsString::from("--add-gnu-debuglink=");
    link.push(debug);
    tools::run(objcopy().arg("--strip-all").arg(link).arg(binary).arg(to))
}

/// Empties a folder.
fn renew(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())
}

/// Copies a file and makes its folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::copy(from, to).with_context(|| from.display().to_string())?;
    Ok(())
}

/// Copies a folder with everything in it.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a file without a name")?);
        if path.is_dir() { copy_all(&path, &target)? } else { copy(&path, &target)? }
    }
    Ok(())
}
