//! `Pipfile.lock`: two flat lists of packages.

use serde_json::{Map, Value};

use super::{LockError, Locked, Pinned, Source, Wanted, git_url, known_groups};

/// Pipenv's name for the public index.
const DEFAULT_INDEX: &str = "pypi";

/// Reads a lock of Pipenv.
pub fn read(lock: &str, wanted: Wanted<'_>) -> Result<Locked, LockError> {
    let lock: Value = serde_json::from_str(lock).map_err(|_| LockError::Unreadable)?;
    let main = lock.get("default").and_then(Value::as_object).ok_or(LockError::Unreadable)?;
    let sections = lock.as_object().into_iter().flatten();
    let others: Vec<(&String, &Map<String, Value>)> = sections
        .filter(|(name, _)| !["default", "_meta"].contains(&name.as_str()))
        .filter_map(|(name, section)| Some((name, section.as_object()?)))
        .collect();
    // The command line of Pipenv calls this section `dev`.
    let named = |name: &str| if name == "develop" { "dev".to_owned() } else { name.to_owned() };
    let known: Vec<String> = others.iter().map(|(name, _)| named(name)).collect();
    known_groups(wanted.groups, &known)?;
    let indexes: Vec<(&str, &str)> = lock
        .pointer("/_meta/sources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|source| Some((source.get("name")?.as_str()?, source.get("url")?.as_str()?)))
        .filter(|(name, _)| *name != DEFAULT_INDEX)
        .collect();
    let mut locked = Locked {
        indexes: indexes.iter().map(|(_, url)| (*url).to_owned()).collect(),
        ..Locked::default()
    };
    let extra = others.iter().filter(|(name, _)| wanted.groups.contains(&named(name)));
    for section in std::iter::once(main).chain(extra.map(|(_, section)| *section)) {
        for (name, package) in section {
            if locked.packages.iter().all(|known| known.name != *name) {
                locked.packages.extend(pinned(name, package, &indexes));
            }
        }
    }
    Ok(locked)
}

fn pinned(name: &str, package: &Value, indexes: &[(&str, &str)]) -> Option<Pinned> {
    let of = |key: &str| package.get(key).and_then(Value::as_str);
    let source = if let Some(place) = of("git") {
        Source::Url(git_url(place, of("ref").unwrap_or("HEAD"), of("subdirectory")))
    } else if let Some(path) = of("path") {
        // The project itself has no dependencies that the lock does not list.
        if [".", "./"].contains(&path) {
            return None;
        }
        Source::Local(path.to_owned())
    } else if let Some(file) = of("file") {
        match file.contains("://") {
            true => Source::Url(file.to_owned()),
            false => Source::Local(file.to_owned()),
        }
    } else {
        let version = of("version").filter(|version| *version != "*").unwrap_or_default();
        let named = of("index").and_then(|index| indexes.iter().find(|(name, _)| *name == index));
        Source::Index {
            version: version.to_owned(),
            index: named.map(|(_, url)| (*url).to_owned()),
        }
    };
    let hashes = package.get("hashes").and_then(Value::as_array).into_iter().flatten();
    Some(Pinned {
        name: name.to_owned(),
        source,
        marker: of("markers").unwrap_or_default().to_owned(),
        hashes: hashes.filter_map(|hash| hash.as_str().map(str::to_owned)).collect(),
    })
}
