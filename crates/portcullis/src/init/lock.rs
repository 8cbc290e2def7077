//! Lock files as pinned requirements. Versions that a lock has decided are not resolved
//! again; groups for development are left out.

use std::collections::{BTreeMap, VecDeque};

use portcullis_core::config::{Node, Value, read_toml, value_at};

/// Reads a lock, beside the project's `pyproject.toml`; `None` if it says nothing.
type Read = fn(&str, Option<&Node>) -> Option<String>;

/// The names of locks with how they are read.
pub const KINDS: [(&str, Read); 4] =
    [("uv.lock", uv), ("poetry.lock", poetry), ("pdm.lock", pdm), ("Pipfile.lock", pipenv)];

/// A locked package.
struct Package<'a> {
    name: &'a str,
    node: &'a Node,
}

fn uv(text: &str, _: Option<&Node>) -> Option<String> {
    let tree = read_toml(text)?;
    let packages = packages(&tree);
    let is_root = |package: &&Package<'_>| {
        let local = ["source.virtual", "source.editable"];
        local.iter().any(|key| text_at(package.node, key).is_some())
    };
    let roots: Vec<&Package<'_>> = packages.iter().filter(is_root).collect();
    let wanted = roots.iter().flat_map(|root| dependencies(root.node)).collect();
    let is_local = |name: &str| roots.iter().any(|root| root.name == name);
    reached(&packages, wanted, &is_local)
}

fn poetry(text: &str, pyproject: Option<&Node>) -> Option<String> {
    let tree = read_toml(text)?;
    let packages = packages(&tree);
    let has = |key: &str| packages.iter().any(|package| value_at(package.node, key).is_some());
    if has("groups") || has("category") {
        let is_main = |package: &&Package<'_>| {
            list_at(package.node, "groups").contains(&"main")
                || text_at(package.node, "category") == Some("main")
        };
        return lines(
            packages
                .iter()
                .filter(is_main)
                .map(|package| (package, text_at(package.node, "markers").map(str::to_owned))),
        );
    }
    let wanted = direct(pyproject?).into_iter().map(|name| (name, None)).collect();
    reached(&packages, wanted, &|_| false)
}

fn pdm(text: &str, _: Option<&Node>) -> Option<String> {
    let tree = read_toml(text)?;
    let packages = packages(&tree);
    let is_main = |package: &&Package<'_>| {
        let groups = list_at(package.node, "groups");
        groups.is_empty() || groups.contains(&"default")
    };
    lines(
        packages
            .iter()
            .filter(is_main)
            .map(|package| (package, text_at(package.node, "marker").map(str::to_owned))),
    )
}

fn pipenv(text: &str, _: Option<&Node>) -> Option<String> {
    let lock: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut lines = Vec::new();
    for (name, package) in lock.get("default")?.as_object()? {
        let Some(version) = package.get("version").and_then(|version| version.as_str()) else {
            continue;
        };
        let marker = package.get("markers").and_then(|marker| marker.as_str());
        let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
        lines.push(format!("{name}{version}{marker}\n"));
    }
    (!lines.is_empty()).then(|| lines.concat())
}

/// The requirements in a `pyproject.toml` without a lock.
pub fn listed(tree: &Node) -> Option<String> {
    let mut lines: Vec<String> =
        list_at(tree, "project.dependencies").iter().map(|line| format!("{line}\n")).collect();
    if let Some(Value::Table(entries)) =
        value_at(tree, "tool.poetry.dependencies").map(|node| &node.value)
    {
        for entry in entries.iter().filter(|entry| entry.key != "python") {
            let version = match &entry.node.value {
                Value::Text(version) => Some(version.as_str()),
                _ => text_at(&entry.node, "version"),
            };
            let extras = list_at(&entry.node, "extras").join(",");
            let extras = if extras.is_empty() { extras } else { format!("[{extras}]") };
            lines.push(format!("{}{extras}{}\n", entry.key, range(version.unwrap_or("*"))));
        }
    }
    (!lines.is_empty()).then(|| lines.concat())
}

/// A constraint of Poetry as pip reads it: `^4.2` is `>=4.2,<5`.
fn range(constraint: &str) -> String {
    let constraint = constraint.trim();
    let next = |version: &str, index: usize| {
        let mut parts: Vec<u64> =
            version.split('.').map_while(|part| part.parse().ok()).take(index + 1).collect();
        let last = parts.last_mut()?;
        *last += 1;
        Some(parts.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
    };
    if let Some(version) = constraint.strip_prefix('^') {
        let index = usize::from(version.starts_with("0."));
        return next(version, index).map_or(String::new(), |end| format!(">={version},<{end}"));
    }
    if let Some(version) = constraint.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let index = usize::from(version.contains('.'));
        return next(version, index).map_or(String::new(), |end| format!(">={version},<{end}"));
    }
    match constraint {
        "*" => String::new(),
        exact if exact.starts_with(|c: char| c.is_ascii_digit()) => format!("=={exact}"),
        other => other.to_owned(),
    }
}

/// The names in a project's own list.
fn direct(tree: &Node) -> Vec<String> {
    let listed = listed(tree).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    listed
        .lines()
        .map(|line| line.chars().take_while(|c| is_name(*c)).collect::<String>())
        .filter(|name| !name.is_empty())
        .collect()
}

fn packages(tree: &Node) -> Vec<Package<'_>> {
    let packages = value_at(tree, "package").map(|node| &node.value);
    let Some(Value::List(items)) = packages else { return Vec::new() };
    items.iter().filter_map(|node| Some(Package { name: text_at(node, "name")?, node })).collect()
}

/// The dependencies of a package with their markers. uv writes a list of tables, Poetry a
/// table by name.
fn dependencies(package: &Node) -> Vec<(String, Option<String>)> {
    match value_at(package, "dependencies").map(|node| &node.value) {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| {
                let marker = text_at(item, "marker").map(str::to_owned);
                Some((text_at(item, "name")?.to_owned(), marker))
            })
            .collect(),
        Some(Value::Table(entries)) => entries
            .iter()
            .map(|entry| (entry.key.clone(), text_at(&entry.node, "markers").map(str::to_owned)))
            .collect(),
        _ => Vec::new(),
    }
}

/// The packages that are reached from some names. A package that is needed under different
/// conditions is needed without one.
fn reached(
    packages: &[Package<'_>],
    wanted: VecDeque<(String, Option<String>)>,
    is_local: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let mut markers: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut queue = wanted;
    while let Some((name, marker)) = queue.pop_front() {
        let name = normal(&name);
        let known = markers.get(&name);
        let next = match known {
            Some(old) if *old == marker || old.is_none() => continue,
            Some(_) => None,
            None => marker,
        };
        markers.insert(name.clone(), next.clone());
        for package in packages.iter().filter(|package| normal(package.name) == name) {
            let below = dependencies(package.node);
            queue.extend(below.into_iter().map(|(name, own)| (name, own.or_else(|| next.clone()))));
        }
    }
    lines(
        packages
            .iter()
            .filter(|package| !is_local(package.name))
            .filter_map(|package| Some((package, markers.get(&normal(package.name))?.clone()))),
    )
}

/// One pinned requirement in a line, sorted by name; `None` if there are none.
fn lines<'a>(packages: impl Iterator<Item = (&'a Package<'a>, Option<String>)>) -> Option<String> {
    let mut lines: Vec<(String, String)> = packages
        .filter_map(|(package, marker)| {
            let version = text_at(package.node, "version")?;
            let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
            let pinned = match text_at(package.node, "source.git") {
                // `https://host/x?rev=y#commit`
                Some(url) => {
                    let (url, commit) = url.split_once('#').unwrap_or((url, "HEAD"));
                    let url = url.split('?').next().unwrap_or(url);
                    format!("{} @ git+{url}@{commit}", package.name)
                }
                None => format!("{}=={version}", package.name),
            };
            Some((normal(package.name), format!("{pinned}{marker}\n")))
        })
        .collect();
    lines.sort();
    (!lines.is_empty()).then(|| lines.into_iter().map(|(_, line)| line).collect())
}

/// A name as package indexes compare it.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn text_at<'a>(node: &'a Node, path: &str) -> Option<&'a str> {
    match &value_at(node, path)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn list_at<'a>(node: &'a Node, path: &str) -> Vec<&'a str> {
    let Some(Value::List(items)) = value_at(node, path).map(|node| &node.value) else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| match &item.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}
