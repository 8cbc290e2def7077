//! The Debian package, made by `dpkg-deb` of a folder.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{copy, copy_all, renew, version};
use crate::tools;

/// Builds the package.
///
/// # Errors
/// `dpkg-deb` is missing or fails.
pub fn build(folder: &Path, binary: &Path, companions: &Path, to: &Path) -> Result<()> {
    let tree = folder.join("deb");
    renew(&tree)?;
    copy(binary, &tree.join("usr/bin/portcullis"))?;
    copy_all(&companions.join("share"), &tree.join("usr/share"))?;
    for page in std::fs::read_dir(tree.join("usr/share/man/man1"))? {
        // Without name and time, so that equal pages give equal packages.
        tools::run(Command::new("gzip").args(["-9", "-n"]).arg(page?.path()))?;
    }
    let root = tools::root();
    let documents = tree.join("usr/share/doc/portcullis");
    for (name, own) in [("LICENSE-MIT", "copyright"), ("CHANGELOG.md", "changelog.md")] {
        copy(&root.join(name), &documents.join(own))?;
    }
    std::fs::create_dir_all(tree.join("DEBIAN"))?;
    std::fs::write(tree.join("DEBIAN/control"), control())?;
    let mut deb = Command::new("dpkg-deb");
    tools::run(deb.args(["--root-owner-group", "--build"]).arg(&tree).arg(to))
}

/// What the package needs: the interpreter that makes environments, and git for the
/// files of a project and for the base of a comparison.
fn control() -> String {
    format!(
        "Package: portcullis\n\
         Version: {}\n\
         Architecture: amd64\n\
         Maintainer: The Portcullis maintainers <portcullis@localhost>\n\
         Depends: libc6 (>= 2.17), python3 (>= 3.9), python3-venv, git\n\
         Section: devel\n\
         Priority: optional\n\
         Description: CI gatekeeper for web API performance\n \
         Takes a clean checkout of a Django service to a verdict: prepares it, starts it,\n \
         loads it, judges thresholds, and stops everything that it started.\n",
        version()
    )
}
