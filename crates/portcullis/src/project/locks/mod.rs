//! Lock files as pinned requirements: what a lock has decided is never resolved again. Each
//! reader is pure, from the text of a lock to the packages that its tool would install; a
//! lock that says more than requirements can say is refused by name.

mod conditions;
mod node;
mod pdm;
mod pipenv;
mod poetry;
pub mod pyproject;
mod reach;
mod uv;

use std::fmt::Write;

use portcullis_core::config::{Node, read_toml};

/// A package that a lock has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// The condition (PEP 508) under which it is installed; empty for always.
    pub marker: String,
    /// The accepted files, as `sha256:…`.
    pub hashes: Vec<String>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A package index.
    Index {
        /// `==1.2`; empty if the lock has no version.
        version: String,
        /// The URL of the index, if the project names it; else the machine's own
        /// configuration decides.
        index: Option<String>,
    },
    /// An archive or a repository: `git+https://host/x@commit`.
    Url(String),
    /// A folder or an archive of the project, relative to the lock.
    Local(String),
}

/// What a lock says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// The packages, in the order of the lock.
    pub packages: Vec<Pinned>,
    /// Whether the tool would also install the project itself.
    pub is_package: bool,
    /// The indexes that the project names. A file from them is accepted by its hash only.
    pub indexes: Vec<String>,
}

/// What is asked of a lock besides its text.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The project's `pyproject.toml`.
    pub pyproject: Option<&'a Node>,
    /// Extras and groups to install besides the main one.
    pub groups: &'a [String],
    /// The project's folder, relative to the lock: `.`, or a member of a workspace.
    pub member: &'a str,
}

/// Why a lock cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It is no such file.
    #[error("it cannot be read as a lock")]
    Unreadable,
    /// A group does not exist.
    #[error("it has no group \"{group}\" (project.groups); it has {known}")]
    Group {
        /// The name.
        group: String,
        /// Those that exist.
        known: String,
    },
    /// It says something that requirements cannot say.
    #[error("{0}")]
    Beyond(&'static str),
}

type Read = fn(&str, Wanted<'_>) -> Result<Locked, LockError>;

/// The names of locks in order of precedence, how they are read, and the command that makes
/// a file of requirements instead.
pub const KINDS: [(&str, Read, &str); 4] = [
    ("uv.lock", uv::read, "uv export --frozen --no-emit-project -o requirements.txt"),
    ("poetry.lock", poetry::read, "poetry export -o requirements.txt"),
    ("Pipfile.lock", pipenv::read, "pipenv requirements > requirements.txt"),
    ("pdm.lock", pdm::read, "pdm export -o requirements.txt"),
];

/// Texts for an installer that installs each package without its dependencies. Files are in
/// parts, because hashes must be known for all requirements of a file or for none, and a
/// package without a hash may only come from its own index.
pub fn parts(locked: &Locked, local: impl Fn(&str) -> String) -> Vec<String> {
    let mut hashed = String::new();
    let mut others: Vec<(Option<&str>, String)> = vec![(None, String::new())];
    for package in &locked.packages {
        let Pinned { name, source, marker, hashes } = package;
        let marker = if marker.is_empty() { String::new() } else { format!(" ; {marker}") };
        match source {
            Source::Index { version, .. } if !hashes.is_empty() => {
                let hashes: String = hashes.iter().map(|hash| format!(" --hash={hash}")).collect();
                let _ = writeln!(hashed, "{name}{version}{marker}{hashes}");
            }
            Source::Index { version, index } => {
                let line = format!("{name}{version}{marker}\n");
                match others.iter_mut().find(|(known, _)| *known == index.as_deref()) {
                    Some((_, text)) => text.push_str(&line),
                    None => others.push((index.as_deref(), line)),
                }
            }
            Source::Url(url) => {
                let _ = writeln!(others[0].1, "{name} @ {url}{marker}");
            }
            Source::Local(path) => {
                // A URL can have a marker, and blanks in its path.
                let url = file_url(&local(path));
                let _ = writeln!(others[0].1, "{name} @ {url}{marker}");
            }
        }
    }
    let mut parts = Vec::new();
    if !hashed.is_empty() {
        let indexes = locked.indexes.iter().map(|url| match url.contains("://") {
            true => format!("--extra-index-url {url}\n"),
            false => format!("--find-links {}\n", file_url(&local(url))),
        });
        parts.push(indexes.collect::<String>() + &hashed);
    }
    for (index, text) in others.into_iter().filter(|(_, text)| !text.is_empty()) {
        parts.push(index.map(|url| format!("--index-url {url}\n")).unwrap_or_default() + &text);
    }
    parts
}

fn file_url(path: &str) -> String {
    let mut url = "file://".to_owned();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            _ => {
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

/// Usual names of requirement files, those for the kind of settings first; `settings` is the
/// last part of the module's name.
pub fn file_names(settings: &str) -> Vec<String> {
    let of_kind = match settings {
        "local" | "dev" | "development" => ["local", "dev", "development"],
        "test" | "testing" | "ci" => ["test", "testing", "ci"],
        "production" | "prod" => ["production", "prod", "base"],
        _ => ["base", "common", "main"],
    };
    let folder = |name: &&str| format!("requirements/{name}.txt");
    let mut names = vec!["requirements.lock".to_owned()];
    if !["base", "common", "main"].contains(&of_kind[0]) {
        names.extend(of_kind.iter().map(folder));
        names.extend(of_kind.iter().map(|name| format!("requirements-{name}.txt")));
    }
    names.push("requirements.txt".to_owned());
    names.extend(["requirements", "base", "common", "production", "prod"].iter().map(folder));
    names.extend(["requirements_dev.txt", "requirements-dev.txt", "reqs.txt"].map(str::to_owned));
    names
}

/// A name as package indexes compare it.
pub fn normal(name: &str) -> String {
    let mut normal = String::new();
    for letter in name.chars() {
        match letter {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.extend(other.to_lowercase()),
        }
    }
    normal
}

fn tree(text: &str) -> Result<Node, LockError> {
    read_toml(text).ok_or(LockError::Unreadable)
}

/// Refuses groups that are not among those that exist.
fn known_groups(groups: &[String], known: &[String]) -> Result<(), LockError> {
    let is_known = |group: &String| known.iter().any(|name| normal(name) == normal(group));
    match groups.iter().find(|group| !is_known(group)) {
        None => Ok(()),
        Some(group) => {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(LockError::Group { group: group.clone(), known })
        }
    }
}

/// The URL of a repository with a commit as requirements write it; `place` is
/// `https://host/x`, `ssh://…`, or `git@host:x`.
fn git_url(place: &str, commit: &str, subdirectory: Option<&str>) -> String {
    let is_short = !place.contains("://") && place.contains('@') && place.contains(':');
    let place = match place.split_once(':').filter(|_| is_short) {
        Some((host, path)) => format!("ssh://{host}/{path}"),
        None => place.to_owned(),
    };
    let folder = subdirectory.map(|folder| format!("#subdirectory={folder}")).unwrap_or_default();
    format!("git+{}@{commit}{folder}", place.trim_start_matches("git+"))
}

#[cfg(test)]
mod tests;
