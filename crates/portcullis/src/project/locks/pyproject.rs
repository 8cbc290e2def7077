//! The lists in a `pyproject.toml` without a lock: PEP 621 with extras, dependency groups
//! (PEP 735), and Poetry's own tables.

use portcullis_core::config::{Entry, Node, Value, value_at};

use super::node::{entries, is_set, items, plain, text, texts};
use super::{LockError, known_groups, normal};

/// The project's requirements as lines for an installer, which resolves them; `None` if it
/// has no such list.
///
/// # Errors
/// A group does not exist, or something that requirements cannot say.
pub fn requirements(tree: &Node, wanted: &[String]) -> Result<Option<Vec<String>>, LockError> {
    let poetry = entries(tree, "tool.poetry.dependencies");
    if value_at(tree, "project.dependencies").is_none() && poetry.is_empty() {
        return Ok(None);
    }
    known_groups(wanted, &groups(tree))?;
    let mut lines: Vec<String> =
        texts(tree, "project.dependencies").into_iter().map(str::to_owned).collect();
    let is_chosen = |name: &str| wanted.iter().any(|group| normal(group) == normal(name));
    for (name, _) in entries(tree, EXTRAS).into_iter().filter(|(name, _)| is_chosen(name)) {
        let listed = texts(tree, &format!("{EXTRAS}.{name}"));
        lines.extend(listed.into_iter().map(str::to_owned));
    }
    for (name, _) in entries(tree, GROUPS).into_iter().filter(|(name, _)| is_chosen(name)) {
        group(tree, name, &mut Vec::new(), &mut lines);
    }
    let mut tables = poetry;
    for (name, node) in entries(tree, "tool.poetry.group") {
        if is_chosen(name) {
            tables.extend(entries(node, "dependencies"));
        }
    }
    if is_chosen("dev") {
        tables.extend(entries(tree, "tool.poetry.dev-dependencies"));
    }
    for (name, node) in tables.into_iter().filter(|(name, _)| *name != "python") {
        lines.extend(of_poetry(name, node)?);
    }
    Ok(Some(lines))
}

const EXTRAS: &str = "project.optional-dependencies";
const GROUPS: &str = "dependency-groups";

/// The names of the project's extras and groups.
pub fn groups(tree: &Node) -> Vec<String> {
    let places = [EXTRAS, GROUPS, "tool.poetry.group"];
    let named = places.iter().flat_map(|place| entries(tree, place)).map(|(name, _)| name);
    let old = !entries(tree, "tool.poetry.dev-dependencies").is_empty();
    named.chain(old.then_some("dev")).map(str::to_owned).collect()
}

/// The names among `wanted` that are extras, and those that are dependency groups.
pub fn chosen(tree: &Node, wanted: &[String]) -> (Vec<String>, Vec<String>) {
    let among = |place: &str| {
        let known = entries(tree, place).into_iter().map(|(name, _)| name);
        let is_wanted = |name: &&str| wanted.iter().any(|group| normal(group) == normal(name));
        known.filter(is_wanted).map(str::to_owned).collect()
    };
    (among(EXTRAS), among(GROUPS))
}

/// The lines of a dependency group, which can include others.
fn group(tree: &Node, name: &str, seen: &mut Vec<String>, lines: &mut Vec<String>) {
    if seen.contains(&normal(name)) {
        return;
    }
    seen.push(normal(name));
    for item in items(tree, &format!("{GROUPS}.{name}")) {
        match (plain(item), text(item, "include-group")) {
            (Some(line), _) => lines.push(line.to_owned()),
            (None, Some(other)) => {
                let all = entries(tree, GROUPS);
                let known = all.into_iter().find(|(known, _)| normal(known) == normal(other));
                if let Some((known, _)) = known {
                    group(tree, known, seen, lines);
                }
            }
            (None, None) => {}
        }
    }
}

fn of_poetry(name: &str, node: &Node) -> Result<Option<String>, LockError> {
    if is_set(node, "optional") {
        return Ok(None);
    }
    let remote = ["git", "url", "source", "path"];
    if remote.iter().any(|key| value_at(node, key).is_some()) {
        return Err(LockError::Beyond(
            "a dependency of Poetry from another place than the default index needs a lock \
             (`poetry lock`)",
        ));
    }
    let version = plain(node).or_else(|| text(node, "version")).unwrap_or("*");
    let extras = texts(node, "extras").join(",");
    let extras = if extras.is_empty() { extras } else { format!("[{extras}]") };
    let marker = text(node, "markers").map(|marker| format!(" ; {marker}")).unwrap_or_default();
    Ok(Some(format!("{name}{extras}{}{marker}", range(version))))
}

/// A constraint of Poetry as requirements write it: `^4.2` is `>=4.2,<5`.
fn range(constraint: &str) -> String {
    let parts = constraint.split(',').map(str::trim).map(one_range);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
}

fn one_range(constraint: &str) -> String {
    let next = |version: &str, index: usize| {
        let mut parts: Vec<u64> =
            version.split('.').map_while(|part| part.parse().ok()).take(index + 1).collect();
        *parts.last_mut()? += 1;
        Some(parts.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
    };
    if let Some(version) = constraint.strip_prefix('^') {
        let version = version.trim();
        // The first part that is not zero may not change.
        let parts: Vec<&str> = version.split('.').collect();
        let first = parts.iter().position(|part| part.trim_start_matches('0') != "");
        let end = next(version, first.unwrap_or(parts.len() - 1));
        return end.map_or(String::new(), |end| format!(">={version},<{end}"));
    }
    if let Some(version) = constraint.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let version = version.trim();
        let index = usize::from(version.contains('.'));
        return next(version, index).map_or(String::new(), |end| format!(">={version},<{end}"));
    }
    match constraint {
        "*" => String::new(),
        exact if exact.starts_with(|c: char| c.is_ascii_digit()) => format!("=={exact}"),
        other => other.to_owned(),
    }
}

/// The package indexes that the project names for its tool. Variables such as `${TOKEN}` are
/// left for the installer.
pub fn indexes(tree: &Node) -> Vec<String> {
    let mut urls: Vec<String> = ["tool.uv.index", "tool.pdm.source"]
        .iter()
        .flat_map(|place| items(tree, place))
        .filter_map(|index| text(index, "url").map(str::to_owned))
        .collect();
    urls.extend(text(tree, "tool.uv.index-url").map(str::to_owned));
    urls.extend(texts(tree, "tool.uv.extra-index-url").into_iter().map(str::to_owned));
    urls
}

/// Whether only uv can install the lists of a project: it names places of packages in a way
/// that requirements have no words for.
pub fn needs_uv(tree: &Node) -> bool {
    let keys = ["sources", "index", "index-url", "extra-index-url", "find-links", "no-index"];
    keys.iter().any(|key| value_at(tree, &format!("tool.uv.{key}")).is_some())
}

/// The settings of uv in a `pyproject.toml`, in one line that changes only with them.
pub fn settings_of_uv(tree: &Node) -> String {
    value_at(tree, "tool.uv").map(line).unwrap_or_default()
}

fn line(node: &Node) -> String {
    match &node.value {
        Value::List(items) => {
            format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(","))
        }
        Value::Table(entries) => {
            let of_entry = |entry: &Entry| format!("{:?}={}", entry.key, line(&entry.node));
            format!("{{{}}}", entries.iter().map(of_entry).collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}

/// The Python that a project requires, as it writes it.
pub fn required_python(tree: &Node) -> Option<String> {
    let keys = ["project.requires-python", "tool.poetry.dependencies.python"];
    keys.iter().find_map(|key| text(tree, key)).map(str::to_owned)
}
