//! `uv.lock`: packages as a graph, from the project that is at its root.

use portcullis_core::config::Node;

use super::node::{entries, items, text};
use super::pyproject::indexes;
use super::reach::{Edge, reach};
use super::{LockError, Locked, Pinned, Source, Wanted, git_url, known_groups, normal, tree};

const CONFLICTS: &str = "its groups or extras exclude one another, which requirements cannot say";

/// Reads a lock of uv.
pub fn read(lock: &str, wanted: Wanted<'_>) -> Result<Locked, LockError> {
    let tree = tree(lock)?;
    let packages = items(&tree, "package");
    let root = root(packages, wanted).ok_or(LockError::Unreadable)?;
    let known: Vec<String> = [EXTRAS, GROUPS]
        .iter()
        .flat_map(|place| entries(root, place))
        .map(|(name, _)| name.to_owned())
        .collect();
    known_groups(wanted.groups, &known)?;
    let edge = |node| edge(node, packages);
    let of_root = |path: &str| items(root, path).iter().map(edge).collect::<Result<Vec<_>, _>>();
    let mut first = of_root("dependencies")?;
    for place in [EXTRAS, GROUPS] {
        for (name, _) in entries(root, place) {
            if wanted.groups.iter().any(|group| normal(group) == normal(name)) {
                first.extend(of_root(&format!("{place}.{name}"))?);
            }
        }
    }
    let reached = reach(first, |package, extra| {
        let Some(package) = packages.get(package) else { return Ok(Vec::new()) };
        let path = extra.map_or("dependencies".to_owned(), |extra| format!("{EXTRAS}.{extra}"));
        items(package, &path).iter().map(edge).collect()
    })?;
    let named = wanted.pyproject.map(indexes).unwrap_or_default();
    let mut locked = Locked {
        is_package: text(root, "source.virtual").is_none(),
        indexes: named.clone(),
        ..Locked::default()
    };
    for (package, condition) in reached {
        let package = packages.get(package).ok_or(LockError::Unreadable)?;
        // The root may be needed by its own extras.
        if !std::ptr::eq(package, root) {
            locked.packages.extend(pinned(package, condition.marker(), &named)?);
        }
    }
    if locked.packages.iter().any(|package| package.marker.contains("extra ==")) {
        return Err(LockError::Beyond(CONFLICTS));
    }
    Ok(locked)
}

const EXTRAS: &str = "optional-dependencies";
const GROUPS: &str = "dev-dependencies";

/// The package of the project: the one in its folder, by its name, or the only one.
fn root<'a>(packages: &'a [Node], wanted: Wanted<'_>) -> Option<&'a Node> {
    let place = |package: &Node| {
        let kinds = ["source.virtual", "source.editable", "source.directory"];
        kinds.iter().find_map(|kind| text(package, kind).map(str::to_owned))
    };
    let own = wanted.pyproject.and_then(|tree| text(tree, "project.name")).map(normal);
    let is_own = |package: &&Node| {
        place(package).is_some() && text(package, "name").map(normal) == own && own.is_some()
    };
    packages
        .iter()
        .find(|package| place(package).as_deref() == Some(wanted.member))
        .or_else(|| packages.iter().find(is_own))
        .or_else(|| packages.iter().find(|package| place(package).as_deref() == Some(".")))
}

fn edge<'a>(node: &'a Node, packages: &[Node]) -> Result<Edge<'a>, LockError> {
    let name = text(node, "name").ok_or(LockError::Unreadable)?;
    let version = text(node, "version");
    let source = entries(node, "source");
    let is_it = |package: &Node| {
        let same = |(kind, value): &(&str, &Node)| {
            text(package, &format!("source.{kind}")) == super::node::plain(value)
        };
        text(package, "name") == Some(name)
            && (version.is_none() || text(package, "version") == version)
            && source.iter().all(same)
    };
    let to = packages.iter().position(is_it).ok_or(LockError::Unreadable)?;
    let extras = super::node::texts(node, "extra");
    Ok(Edge { to, extras, marker: text(node, "marker") })
}

/// `None` for a project without code of its own.
fn pinned(package: &Node, marker: String, named: &[String]) -> Result<Option<Pinned>, LockError> {
    let name = text(package, "name").ok_or(LockError::Unreadable)?.to_owned();
    let of = |kind: &str| text(package, &format!("source.{kind}"));
    let source = if let Some(registry) = of("registry") {
        let version = text(package, "version").ok_or(LockError::Unreadable)?;
        let same = |url: &&String| url.trim_end_matches('/') == registry.trim_end_matches('/');
        Source::Index { version: format!("=={version}"), index: named.iter().find(same).cloned() }
    } else if let Some(place) = of("git") {
        let (place, commit) = place.split_once('#').ok_or(LockError::Unreadable)?;
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let folder = query.split('&').find_map(|part| part.strip_prefix("subdirectory="));
        Source::Url(git_url(place, commit, folder.map(|f| f.replace("%2F", "/")).as_deref()))
    } else if let Some(url) = of("url") {
        let folder = of("subdirectory").map(|folder| format!("#subdirectory={folder}"));
        Source::Url(format!("{url}{}", folder.unwrap_or_default()))
    } else if let Some(path) = of("editable").or(of("directory")).or(of("path")) {
        Source::Local(path.to_owned())
    } else if of("virtual").is_some() {
        return Ok(None);
    } else {
        return Err(LockError::Unreadable);
    };
    let mut hashes: Vec<String> =
        text(package, "sdist.hash").map(str::to_owned).into_iter().collect();
    let wheels = items(package, "wheels").iter();
    hashes.extend(wheels.filter_map(|wheel| text(wheel, "hash").map(str::to_owned)));
    Ok(Some(Pinned { name, source, marker, hashes }))
}
