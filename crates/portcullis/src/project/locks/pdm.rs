//! `pdm.lock`: a flat list of packages with their groups and conditions.

use portcullis_core::config::{Node, value_at};

use super::node::{items, text, texts};
use super::pyproject::indexes;
use super::{LockError, Locked, Pinned, Source, Wanted, git_url, known_groups, normal, tree};

const NO_GROUPS: &str = "it does not say which package is in which group: write it again with \
                         `pdm lock -S inherit_metadata`";

/// Reads a lock of PDM.
pub fn read(lock: &str, wanted: Wanted<'_>) -> Result<Locked, LockError> {
    let tree = tree(lock)?;
    let packages = items(&tree, "package");
    if packages.iter().any(|package| value_at(package, "groups").is_none()) {
        return Err(LockError::Beyond(NO_GROUPS));
    }
    let locked_groups: Vec<String> = texts(&tree, "metadata.groups")
        .into_iter()
        .filter(|name| *name != "default" && *name != ":sub")
        .map(str::to_owned)
        .collect();
    known_groups(wanted.groups, &locked_groups)?;
    let is_chosen = |name: &&str| {
        *name == "default" || wanted.groups.iter().any(|group| normal(group) == normal(name))
    };
    let named = wanted.pyproject.map(indexes).unwrap_or_default();
    let mut locked = Locked {
        is_package: wanted.pyproject.is_some_and(is_package),
        indexes: named.clone(),
        ..Locked::default()
    };
    for package in packages {
        if !texts(package, "groups").iter().any(|name| is_chosen(name)) {
            continue;
        }
        let name = text(package, "name").ok_or(LockError::Unreadable)?;
        // An entry with extras repeats the package.
        let is_same = |known: &Pinned| {
            let version = text(package, "version").unwrap_or_default();
            normal(&known.name) == normal(name)
                && !matches!(&known.source, Source::Index { version: other, .. }
                    if *other != format!("=={version}"))
        };
        if !locked.packages.iter().any(is_same) {
            locked.packages.push(pinned(name, package)?);
        }
    }
    Ok(locked)
}

/// Whether PDM installs the project itself.
fn is_package(pyproject: &Node) -> bool {
    super::node::is_set(pyproject, "tool.pdm.distribution")
        || value_at(pyproject, "tool.pdm.distribution").is_none()
            && value_at(pyproject, "build-system").is_some()
}

fn pinned(name: &str, package: &Node) -> Result<Pinned, LockError> {
    let of = |key: &str| text(package, key);
    let source = if let Some(place) = of("git").or(of("vcs.git")) {
        let commit = of("revision").or(of("ref")).unwrap_or("HEAD");
        Source::Url(git_url(place, commit, of("subdirectory")))
    } else if let Some(path) = of("path") {
        Source::Local(path.to_owned())
    } else if let Some(url) = of("url") {
        match url.strip_prefix("file:///${PROJECT_ROOT}/") {
            Some(path) => Source::Local(path.to_owned()),
            None => Source::Url(url.to_owned()),
        }
    } else {
        let version = of("version").ok_or(LockError::Unreadable)?;
        Source::Index { version: format!("=={version}"), index: None }
    };
    let hashes = items(package, "files").iter();
    Ok(Pinned {
        name: name.to_owned(),
        source,
        marker: of("marker").unwrap_or_default().to_owned(),
        hashes: hashes.filter_map(|file| text(file, "hash").map(str::to_owned)).collect(),
    })
}
