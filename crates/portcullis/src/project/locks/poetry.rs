//! `poetry.lock`: a flat list of packages. Since lock version 2.1 each one has its groups
//! and its condition; before, they follow from `pyproject.toml`.

use portcullis_core::config::{Node, Value, value_at};

use super::node::{entries, is_set, items, plain, text, texts};
use super::reach::{Edge, reach};
use super::{LockError, Locked, Pinned, Source, Wanted, git_url, known_groups, normal, tree};

const AMBIGUOUS: &str = "it has several versions of a package without the condition for each: write \
                         it again with Poetry 2 (`poetry lock`)";
/// True for every Python that we accept.
const TRUE: &str = "python_version >= \"3\"";

/// Reads a lock of Poetry.
pub fn read(lock: &str, wanted: Wanted<'_>) -> Result<Locked, LockError> {
    let tree = tree(lock)?;
    let packages = items(&tree, "package");
    let extras: Vec<&str> = entries(&tree, "extras").into_iter().map(|(name, _)| name).collect();
    let chosen_extras: Vec<&str> =
        extras.iter().copied().filter(|extra| is_chosen(wanted.groups, extra)).collect();
    let has = |key: &str| packages.iter().any(|package| value_at(package, key).is_some());
    let packages = if has("groups") || has("category") {
        with_groups(packages, wanted, &extras, &chosen_extras)?
    } else {
        without_groups(&tree, packages, wanted, &extras, &chosen_extras)?
    };
    let is_package = wanted.pyproject.is_some_and(|tree| {
        let mode = value_at(tree, "tool.poetry.package-mode").map(|node| &node.value);
        !matches!(mode, Some(Value::Bool(false)))
    });
    let mut locked = Locked { packages, is_package, ..Locked::default() };
    for package in &locked.packages {
        if let Source::Index { index: Some(url), .. } = &package.source
            && !locked.indexes.contains(url)
        {
            locked.indexes.push(url.clone());
        }
    }
    Ok(locked)
}

fn is_chosen(groups: &[String], name: &str) -> bool {
    groups.iter().any(|group| normal(group) == normal(name))
}

fn with_groups(
    packages: &[Node],
    wanted: Wanted<'_>,
    extras: &[&str],
    chosen: &[&str],
) -> Result<Vec<Pinned>, LockError> {
    let of = |package: &Node| -> Vec<String> {
        let mut groups: Vec<String> =
            texts(package, "groups").into_iter().map(str::to_owned).collect();
        groups.extend(text(package, "category").map(str::to_owned));
        groups
    };
    let mut known: Vec<String> = packages.iter().flat_map(of).filter(|g| g != "main").collect();
    known.extend(extras.iter().map(|extra| (*extra).to_owned()));
    known.sort_unstable();
    known.dedup();
    known_groups(wanted.groups, &known)?;
    let mut found = Vec::new();
    for package in packages {
        let own = of(package);
        let groups: Vec<&String> =
            own.iter().filter(|name| *name == "main" || is_chosen(wanted.groups, name)).collect();
        if groups.is_empty() {
            continue;
        }
        // One condition, or one for each group; a group that has none is always met.
        let markers: Vec<&str> = match value_at(package, "markers") {
            Some(node) if plain(node).is_some() => plain(node).into_iter().collect(),
            Some(_) => {
                let of_group = |group: &&String| text(package, &format!("markers.{group}"));
                groups.iter().map(|group| of_group(group).unwrap_or_default()).collect()
            }
            None => Vec::new(),
        };
        let marker = match markers.as_slice() {
            [one] => (*one).to_owned(),
            several if several.is_empty() || several.contains(&"") => String::new(),
            several => several.iter().map(|m| format!("({m})")).collect::<Vec<_>>().join(" or "),
        };
        found.push(pinned(package, with_extras(marker, chosen))?);
    }
    Ok(found)
}

/// A condition with those on the chosen extras met; those on others are never met, because
/// requirements have no extras.
fn with_extras(mut marker: String, chosen: &[&str]) -> String {
    for extra in chosen {
        for quote in ['"', '\''] {
            marker = marker.replace(&format!("extra == {quote}{extra}{quote}"), TRUE);
        }
    }
    marker
}

/// Of lock version 2.0: what the project names, and what that depends on.
fn without_groups(
    tree: &Node,
    packages: &[Node],
    wanted: Wanted<'_>,
    extras: &[&str],
    chosen: &[&str],
) -> Result<Vec<Pinned>, LockError> {
    let pyproject = wanted.pyproject.ok_or(LockError::Unreadable)?;
    let mut known: Vec<String> = extras.iter().map(|extra| (*extra).to_owned()).collect();
    let group_tables = entries(pyproject, "tool.poetry.group");
    known.extend(group_tables.iter().map(|(name, _)| (*name).to_owned()));
    let has_dev = !entries(pyproject, "tool.poetry.dev-dependencies").is_empty();
    known.extend(has_dev.then(|| "dev".to_owned()));
    known_groups(wanted.groups, &known)?;
    let mut tables = entries(pyproject, "tool.poetry.dependencies");
    for (_, group) in group_tables.iter().filter(|(name, _)| is_chosen(wanted.groups, name)) {
        tables.extend(entries(group, "dependencies"));
    }
    if is_chosen(wanted.groups, "dev") {
        tables.extend(entries(pyproject, "tool.poetry.dev-dependencies"));
    }
    // Packages of extras are named by the lock: `extra = ["sqlparse"]`.
    let of_extras: Vec<String> = chosen
        .iter()
        .flat_map(|extra| texts(tree, &format!("extras.{extra}")))
        .map(|text| normal(text.split([' ', '[', '(']).next().unwrap_or(text)))
        .collect();
    let mut first = Vec::new();
    for (name, node) in tables.into_iter().filter(|(name, _)| *name != "python") {
        first.extend(edges(name, node, packages, &|_| of_extras.contains(&normal(name)))?);
    }
    let reached = reach(first, |package, extra| {
        let Some(package) = packages.get(package) else { return Ok(Vec::new()) };
        let mut below = Vec::new();
        for (name, node) in entries(package, "dependencies") {
            let is_of_extra = |marker: &str| {
                extra.is_some_and(|extra| {
                    ['"', '\''].iter().any(|q| marker.contains(&format!("extra == {q}{extra}{q}")))
                })
            };
            below.extend(edges(name, node, packages, &is_of_extra)?);
        }
        Ok(below)
    })?;
    let found = reached.into_iter().map(|(package, condition)| {
        let package = packages.get(package).ok_or(LockError::Unreadable)?;
        // An optional dependency is reached through its extra, whose condition is then met.
        let marker = condition.marker();
        pinned(package, without_extras(marker))
    });
    found.collect()
}

/// A condition in which every extra is met.
fn without_extras(mut marker: String) -> String {
    while let Some(at) = marker.find("extra == ") {
        let rest = marker.get(at + "extra == ".len()..).unwrap_or_default();
        let quote = rest.chars().next().unwrap_or('"');
        let end = rest.get(1..).and_then(|rest| rest.find(quote)).map_or(rest.len(), |end| end + 2);
        marker.replace_range(at..at + "extra == ".len() + end, TRUE);
    }
    marker
}

/// The dependencies that an entry of a table names: a version, a table, or a list of tables
/// with a condition each. Optional ones are needed only if `is_needed` says so for their
/// condition.
fn edges<'a>(
    name: &str,
    node: &'a Node,
    packages: &[Node],
    is_needed: &dyn Fn(&str) -> bool,
) -> Result<Vec<Edge<'a>>, LockError> {
    let alone = std::slice::from_ref(node);
    let entries = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => alone,
    };
    let mut found = Vec::new();
    for entry in entries {
        let marker = text(entry, "markers");
        if is_set(entry, "optional") && !is_needed(marker.unwrap_or_default()) {
            continue;
        }
        let is_it = |package: &&Node| text(package, "name").map(normal) == Some(normal(name));
        let mut same = packages.iter().enumerate().filter(|(_, package)| is_it(package));
        // The lock leaves out what no accepted Python needs.
        let Some((to, _)) = same.next() else { continue };
        if same.next().is_some() {
            return Err(LockError::Beyond(AMBIGUOUS));
        }
        found.push(Edge { to, extras: texts(entry, "extras"), marker });
    }
    Ok(found)
}

fn pinned(package: &Node, marker: String) -> Result<Pinned, LockError> {
    let name = text(package, "name").ok_or(LockError::Unreadable)?.to_owned();
    let of = |key: &str| text(package, &format!("source.{key}"));
    let url = of("url").unwrap_or_default();
    let source = match of("type") {
        Some("git") => {
            let commit = of("resolved_reference").or(of("reference")).unwrap_or("HEAD");
            Source::Url(git_url(url, commit, of("subdirectory")))
        }
        Some("url") => Source::Url(url.to_owned()),
        Some("directory" | "file") => Source::Local(url.to_owned()),
        kind => {
            let version = text(package, "version").ok_or(LockError::Unreadable)?;
            let index = kind.is_some().then(|| url.to_owned());
            Source::Index { version: format!("=={version}"), index }
        }
    };
    let hashes = items(package, "files").iter();
    let hashes = hashes.filter_map(|file| text(file, "hash").map(str::to_owned)).collect();
    Ok(Pinned { name, source, marker, hashes })
}
