//! The wheel: maturin builds it with zig's linker against an old glibc, and it is packed
//! again with the stripped program, so that the line tables can be kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{TARGET, copy_all, renew, strip, version};
use crate::tools;

/// Where the program runs: glibc 2.17 or newer (PEP 599).
pub const TAG: &str = "manylinux_2_17_x86_64.manylinux2014_x86_64";
const TOOLS: [&str; 3] = ["maturin==1.16.0", "ziglang==0.17.1", "wheel==0.45.1"];

/// Builds the wheel into a folder; returns the stripped program.
///
/// # Errors
/// A tool is missing, or the build failed.
pub fn build(folder: &Path, companions: &Path) -> Result<PathBuf> {
    let bin = tools::venv("dist-venv", &TOOLS, "")?;
    let data = folder.join("wheel.data");
    renew(&data)?;
    let packaging = tools::root().join("crates/portcullis/packaging");
    copy_all(&packaging.join("wheel.data"), &data)?;
    copy_all(companions, &data.join("data"))?;
    let made = folder.join("build");
    renew(&made)?;
    maturin(&bin, &made)?;

    let wheel = only(&made, "whl")?;
    let tool = |arguments: &[&str], last: &Path, to: &Path| {
        let mut command = Command::new(bin.join("wheel"));
        command.args(arguments).arg("-d").arg(to).arg(last);
        tools::run(&mut command)
    };
    tool(&["unpack"], &wheel, &made)?;
    let name = format!("portcullis_perf-{}", version());
    let packed = made.join(&name).join(format!("{name}.data/scripts/portcullis"));
    let stripped = folder.join("portcullis");
    strip(&packed, &folder.join("portcullis.debug"), &stripped)?;
    std::fs::copy(&stripped, &packed).context("the stripped program")?;
    tool(&["pack"], &made.join(&name), folder)?;
    Ok(stripped)
}

fn maturin(bin: &Path, to: &Path) -> Result<()> {
    let mut maturin = Command::new(bin.join("maturin"));
    maturin
        .args(["build", "--manifest-path", "crates/portcullis/Cargo.toml"])
        .args(["--profile", "dist", "--locked", "--zig", "--target", TARGET])
        .args(["--compatibility", "manylinux2014", "--out"])
        .arg(to);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
    tools::run(maturin.env("PATH", std::env::join_paths(paths)?).current_dir(tools::root()))
}

/// The only file of a folder with an extension.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    anyhow::ensure!(found.len() == 1, "{} has {found:?}", folder.display());
    found.pop().context("no file")
}
