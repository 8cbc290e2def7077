//! The database server of a run, for settings that use PostgreSQL: started before the first
//! command that needs it, stopped after the server.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use portcullis_core::config::{DatabaseUrl, Engine};
use portcullis_core::judge::Finding;

use super::Project;
use super::isolation::{self, hook};
use super::templates::NotKept;
use crate::run::{RunFolder, SERVICES, StageFailure, Version};
use crate::services::postgres::{self, Cluster, Hosted, ROLE};

/// The database server of one version of the project, while it runs.
#[derive(Debug)]
pub enum DatabaseServer {
    /// A server of the run's own.
    Private(Box<Cluster>),
    /// A server that others use too; the text is the beginning of the names of the run's
    /// databases there.
    Hosted(Box<Hosted>, String),
}

/// Proves the isolation. If the settings turn out to need PostgreSQL, starts a server with
/// empty databases first, unless `restored` is one.
///
/// # Errors
/// The isolation is not proved, or the server cannot be started.
pub fn prove(
    version: Version<'_>,
    project: &Project,
    restored: Option<DatabaseServer>,
) -> Result<Option<DatabaseServer>, StageFailure> {
    if let Some(server) = restored {
        isolation::prove(version, project, Some(&server.access()))?;
        return Ok(Some(server));
    }
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
    let server = start(version, project, &wanted.databases)?;
    isolation::prove(version, project, Some(&server.access()))?;
    Ok(Some(server))
}

/// Starts a server with these empty databases, or creates them on the server of a URL.
///
/// # Errors
/// It cannot be started, or refuses.
pub fn start(
    version: Version<'_>,
    project: &Project,
    databases: &[String],
) -> Result<DatabaseServer, StageFailure> {
    let server = match &version.plan.database.url {
        None => {
            let mut cluster = Cluster::create(version, &project.python, databases)?;
            cluster.start(version)?;
            DatabaseServer::Private(Box::new(cluster))
        }
        Some(url) => hosted(version, project, url, databases)?,
    };
    server.connect(version, project)?;
    Ok(server)
}

/// Databases on the server of a URL: `portcullis_RUN_default`, and in a comparison
/// `portcullis_RUN_base_default`.
fn hosted(
    version: Version<'_>,
    project: &Project,
    url: &DatabaseUrl,
    databases: &[String],
) -> Result<DatabaseServer, StageFailure> {
    let Version { context, folder, .. } = version;
    let run = format!("{}_{}", hook::PREFIX, context.id());
    let prefix = match folder.of_side() {
        None => run.clone(),
        Some(side) => format!("{run}_{}", side.name()),
    };
    let own = |name: &String| {
        let rest = name.strip_prefix(hook::PREFIX).unwrap_or(name);
        format!("{prefix}{rest}")
    };
    let names = databases.iter().map(own).collect();
    let hosted = postgres::create_hosted(version, &project.python, url, &run, names)?;
    Ok(DatabaseServer::Hosted(Box::new(hosted), prefix))
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
        let restored = Cluster::restore(version, &project.python, &template.join(SERVICES))?;
        let Some(mut cluster) = restored else { return Ok(None) };
        cluster.start(version)?;
        let server = Self::Private(Box::new(cluster));
        server.connect(version, project)?;
        Ok(Some(server))
    }

    /// Whether a folder has kept databases of a server.
    pub fn is_kept_in(template: &Path) -> bool {
        Cluster::is_kept_in(&template.join(SERVICES))
    }

    /// Makes the statistics of the databases, as a server in production has them. A private
    /// server is stopped.
    ///
    /// # Errors
    /// The server has ended, or refuses.
    pub fn analyze(&mut self, version: Version<'_>, project: &Project) -> Result<(), StageFailure> {
        match self {
            Self::Private(cluster) => cluster.analyze(version),
            Self::Hosted(hosted, _) => hosted.analyze(version, &project.python),
        }
    }

    /// Copies the databases into a template. A private server is stopped.
    ///
    /// # Errors
    /// A later run could not use the copy, or it cannot be made.
    pub fn keep_in(&mut self, version: Version<'_>, template: &Path) -> Result<(), NotKept> {
        let Self::Private(cluster) = self else { return Ok(()) };
        cluster.stop();
        if let Some(file) = cluster.file_with(version.folder.name().as_bytes())? {
            return Err(NotKept::NamesRun(file));
        }
        Ok(cluster.keep_in(&template.join(SERVICES))?)
    }

    /// Starts a private server again.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn resume(&mut self, version: Version<'_>, project: &Project) -> Result<(), StageFailure> {
        match self {
            Self::Private(cluster) if !cluster.is_running() => cluster.start(version)?,
            _ => return Ok(()),
        }
        // Its port may be another one now.
        self.connect(version, project)
    }

    /// Lets every process of the project use this server.
    fn connect(&self, version: Version<'_>, project: &Project) -> Result<(), StageFailure> {
        let Version { folder, plan, .. } = version;
        hook::write(&folder.settings(), folder.path(), plan, &project.ports, Some(&self.access()))
            .map_err(|error| StageFailure::disk("the run's settings", &error))
            .map(drop)
    }

    /// How the project reaches it.
    pub fn access(&self) -> hook::Server {
        match self {
            Self::Private(cluster) => hook::Server {
                host: "127.0.0.1".to_owned(),
                port: cluster.port(),
                user: ROLE.to_owned(),
                password: cluster.password().to_owned(),
                options: [("sslmode".to_owned(), "disable".to_owned())].into(),
                shared: false,
                prefix: hook::PREFIX.to_owned(),
            },
            Self::Hosted(hosted, prefix) => hook::Server {
                host: hosted.place.host.clone(),
                port: hosted.place.port,
                user: hosted.place.user.clone(),
                password: hosted.place.password.clone(),
                options: hosted.place.options.clone(),
                shared: true,
                prefix: prefix.clone(),
            },
        }
    }

    /// The finding if it has ended by itself.
    pub fn ended(&mut self) -> Option<Finding> {
        match self {
            Self::Private(cluster) => cluster.ended(),
            Self::Hosted(hosted, _) => hosted.ended(),
        }
    }

    /// Its name and version, in words.
    pub fn described(&self) -> String {
        match self {
            Self::Private(cluster) => format!("PostgreSQL {}", cluster.binaries().version),
            Self::Hosted(hosted, _) => {
                let place = &hosted.place;
                format!("PostgreSQL {} at {}:{}", place.version, place.host, place.port)
            }
        }
    }

    /// The failure if a log says that an extension is missing.
    pub fn missing_extension(&self, folder: &RunFolder, log: &'static str) -> Option<StageFailure> {
        let text = std::fs::read(folder.log(log)).unwrap_or_default();
        let extension = missing_extension(&String::from_utf8_lossy(&text))?;
        let described = self.described();
        let message = format!("{described} has no extension \"{extension}\"");
        let advice = match self {
            Self::Hosted(..) => "install it on that server".to_owned(),
            Self::Private(cluster) => format!(
                "install it (Debian: apt-get install {}), or name a server that has it in \
                 [database] url",
                cluster.binaries().debian_package(&extension)
            ),
        };
        let failure = StageFailure::new(Finding::preparation(message)).with_log(log);
        Some(failure.with_advice(advice))
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
