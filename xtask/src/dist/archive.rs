//! The archive with a static program, for machines without a package manager.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{TARGET, copy, copy_all, renew, strip, version};
use crate::tools;

/// Builds the static program; returns it stripped.
///
/// # Errors
/// The build failed.
pub fn binary(folder: &Path) -> Result<PathBuf> {
    // A folder of its own: other flags would make cargo build everything again each time.
    let made = tools::root().join("target/dist-static");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--locked", "--profile", "dist", "--package", "portcullis"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&made)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(tools::root());
    tools::run(&mut cargo)?;
    let built = made.join(TARGET).join("dist/portcullis");
    let stripped = folder.join("portcullis-static");
    strip(&built, &folder.join("portcullis-static.debug"), &stripped)?;
    Ok(stripped)
}

/// Packs the program with its manual pages, completions and licences.
///
/// # Errors
/// `tar` is missing or fails.
pub fn build(folder: &Path, binary: &Path, companions: &Path, to: &Path) -> Result<()> {
    let name = format!("portcullis-{}", version());
    let tree = folder.join("archive").join(&name);
    renew(&tree)?;
    copy(binary, &tree.join("bin/portcullis"))?;
    copy_all(companions, &tree)?;
    for file in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"] {
        copy(&tools::root().join(file), &tree.join(file))?;
    }
    let mut tar = Command::new("tar");
    tar.args(["--owner=0", "--group=0", "--sort=name", "-czf"]).arg(to);
    tools::run(tar.arg("-C").arg(folder.join("archive")).arg(&name))
}
