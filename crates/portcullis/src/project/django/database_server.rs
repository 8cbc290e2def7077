//! The database server of a run, for settings that use PostgreSQL: started before the first
//! command that needs it, stopped after the server.

use std::path::Path;

use portcullis_core::config::Engine;
use portcullis_core::judge::Finding;

use super::Project;
use super::isolation::{self, hook};
use crate::run::{RunFolder, StageFailure, Version};
use crate::services::postgres::{Cluster, ROLE};

/// The running database server of one version of the project.
#[derive(Debug)]
pub struct DatabaseServer {
    cluster: Cluster,
}

/// Proves the isolation. If the settings turn out to need PostgreSQL, starts a server with
/// empty databases first.
///
/// # Errors
/// The isolation is not proved, or the server cannot be started.
pub fn prove(
    version: Version<'_>,
    project: &Project,
) -> Result<Option<DatabaseServer>, StageFailure> {
    let first = isolation::prove(version, project, None);
    let engine = version.plan.django.engine;
    // The hook has refused the settings, so whatever else the command said does not matter.
    let Some(wanted) = hook::wanted(&version.folder.settings()) else {
        return match engine {
            Engine::Postgresql if first.is_ok() => Err(other_engine("no PostgreSQL", engine)),
            _ => first.map(|()| None),
        };
    };
    if engine == Engine::Sqlite {
        let which = format!("PostgreSQL (database {})", wanted.aliases.join(", "));
        return Err(other_engine(&which, engine));
    }
    let mut cluster = Cluster::create(version, &project.python, &wanted.databases)?;
    cluster.start(version)?;
    let server = DatabaseServer { cluster };
    server.connect(version)?;
    isolation::prove(version, project, Some(&server.access()))?;
    Ok(Some(server))
}

fn other_engine(found: &str, wanted: Engine) -> StageFailure {
    let message = format!(
        "the settings use {found}, but perf.toml says django.database = \"{}\"",
        wanted.name()
    );
    let advice = "leave django.database out, or choose the engine through [env] set";
    StageFailure::new(Finding::refused(message)).with_advice(advice)
}

impl DatabaseServer {
    /// Starts a server with a copy of the databases that are kept in a folder. `None` if it
    /// has none, or another build of PostgreSQL made them.
    ///
    /// # Errors
    /// The copy cannot be made, or the server not be started.
    pub fn restore(
        version: Version<'_>,
        project: &Project,
        template: &Path,
    ) -> Result<Option<Self>, StageFailure> {
        let restored = Cluster::restore(version, &project.python, template)?;
        let Some(mut cluster) = restored else { return Ok(None) };
        cluster.start(version)?;
        let server = Self { cluster };
        server.connect(version)?;
        Ok(Some(server))
    }

    /// Whether a folder has kept databases of a server.
    pub fn is_kept_in(template: &Path) -> bool {
        Cluster::is_kept_in(template)
    }

    /// Makes the databases ready for the measurement: statistics as in production. A copy is
    /// kept in `template`, if there is one.
    ///
    /// # Errors
    /// The server has ended, or cannot be started again.
    pub fn settle(
        &mut self,
        version: Version<'_>,
        template: Option<&Path>,
    ) -> Result<(), StageFailure> {
        self.cluster.settle(version)?;
        if let Some(template) = template {
            self.cluster
                .keep_in(template)
                .map_err(|error| StageFailure::disk("the database template", &error))?;
        }
        self.cluster.start(version)?;
        // Its port may be another one now.
        self.connect(version)
    }

    /// Lets every process of the project use this server.
    fn connect(&self, version: Version<'_>) -> Result<(), StageFailure> {
        let Version { folder, plan, .. } = version;
        hook::write(&folder.settings(), folder.path(), plan, Some(&self.access()))
            .map_err(|error| StageFailure::disk("the run's settings", &error))
            .map(drop)
    }

    fn access(&self) -> hook::Server {
        hook::Server {
            host: "127.0.0.1".to_owned(),
            port: self.cluster.port(),
            user: ROLE.to_owned(),
            password: self.cluster.password().to_owned(),
            options: [("sslmode".to_owned(), "disable".to_owned())].into(),
            shared: false,
            prefix: hook::PREFIX.to_owned(),
        }
    }

    /// The finding if it has ended by itself.
    pub fn ended(&mut self) -> Option<Finding> {
        self.cluster.ended()
    }

    /// Its name and version, in words.
    pub fn described(&self) -> String {
        format!("PostgreSQL {}", self.cluster.binaries().version)
    }

    /// The failure if a log says that an extension is missing.
    pub fn missing_extension(&self, folder: &RunFolder, log: &'static str) -> Option<StageFailure> {
        let text = std::fs::read(folder.log(log)).unwrap_or_default();
        let extension = missing_extension(&String::from_utf8_lossy(&text))?;
        let (described, package) =
            (self.described(), self.cluster.binaries().debian_package(&extension));
        let message = format!("{described} on this machine has no extension \"{extension}\"");
        let failure = StageFailure::new(Finding::preparation(message)).with_log(log);
        Some(failure.with_advice(format!(
            "install it (Debian: apt-get install {package}), or name a server that has it in \
             [database] url"
        )))
    }
}

/// The name in `extension "postgis" is not available`, or in the message of versions before
/// 13: `could not open extension control file "…/postgis.control"`.
fn missing_extension(log: &str) -> Option<String> {
    let quoted = |before: &str, after: &str| {
        let (_, rest) = log.split_once(before)?;
        let (name, rest) = rest.split_once('"')?;
        rest.starts_with(after).then(|| name.to_owned())
    };
    quoted("extension \"", " is not available").or_else(|| {
        let path = quoted("could not open extension control file \"", "")?;
        let name = Path::new(&path).file_stem()?;
        Some(name.to_string_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_extension_is_named_as_each_version_says_it() {
        let new = "django.db.utils.NotSupportedError: extension \"postgis\" is not available\n\
                   DETAIL:  Could not open extension control file \"/x/postgis.control\": No such";
        let old = "could not open extension control file \"/x/uuid-ossp.control\": No such file";
        assert_eq!(missing_extension(new).as_deref(), Some("postgis"));
        assert_eq!(missing_extension(old).as_deref(), Some("uuid-ossp"));
        assert_eq!(missing_extension("extension \"x\" already exists"), None);
        assert_eq!(missing_extension(""), None);
    }
}
