//! What a built program needs of a machine, read from the program itself.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Fails if the program asks for a glibc newer than 2.17.
///
/// # Errors
/// It does, or `readelf` is missing.
pub fn only_glibc_217(binary: &Path) -> Result<()> {
    let text = readelf("--version-info", binary)?;
    let versions = text.split("GLIBC_").skip(1).filter_map(|rest| {
        let (major, minor) = rest.split([' ', '\n', ')']).next()?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    });
    let newest = versions.max().context("the program names no version of glibc")?;
    ensure!(newest <= (2, 17), "the program needs glibc {}.{}", newest.0, newest.1);
    println!("needs glibc {}.{}", newest.0, newest.1);
    Ok(())
}

/// Fails if the program needs any shared library.
///
/// # Errors
/// It does, or `readelf` is missing.
pub fn no_library(binary: &Path) -> Result<()> {
    let text = readelf("--dynamic", binary)?;
    let needed: Vec<&str> = text.lines().filter(|line| line.contains("(NEEDED)")).collect();
    ensure!(needed.is_empty(), "the static program needs libraries: {needed:?}");
    Ok(())
}

/// Fails if the program is larger than `most` bytes.
///
/// # Errors
/// It is.
pub fn smaller_than(binary: &Path, most: u64) -> Result<()> {
    let bytes = std::fs::metadata(binary)?.len();
    ensure!(bytes <= most, "the program has {bytes} bytes, more than {most}");
    println!("{bytes} bytes, stripped");
    Ok(())
}

fn readelf(what: &str, binary: &Path) -> Result<String> {
    let output = Command::new("readelf").args(["--wide", what]).arg(binary).output();
    let output = output.context("starting readelf (Debian: binutils)")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
