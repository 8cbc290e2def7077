//! The arrows between the rooms of one crate, and what is wrong with them: circles, and
//! paths that go up in the crate's layers. Both work on made files too: see `planted`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::paths::{self, Content, Start, TestFile};
use crate::sources::File;

/// The room of what stands in a crate's root itself.
pub const ROOT: &str = "(root)";
/// The room of the file that makes a program of a library.
pub const MAIN: &str = "main";

/// One use of a room by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Who uses.
    pub from: String,
    /// What is used.
    pub to: String,
    /// `crates/…/file.rs:12`.
    pub place: String,
    /// The path from the crate's root, as `judge::Verdict`.
    pub path: String,
}

/// The files of one crate that are compiled into it, each with its module and content.
pub fn compiled(files: &[File]) -> Vec<(&str, Vec<String>, Content)> {
    let read: Vec<_> = files
        .iter()
        .map(|(name, text)| {
            let module = module_of(name);
            let content = paths::read(text, &module);
            (name.as_str(), module, content)
        })
        .collect();
    let tests: Vec<String> = read.iter().flat_map(|(name, _, c)| test_files(name, c)).collect();
    let is_test = |name: &str| {
        let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
        tests.iter().any(|test| Path::new(name).starts_with(test))
    };
    read.into_iter().filter(|(name, ..)| !is_test(name)).collect()
}

/// All arrows between the rooms of a crate, given its files.
pub fn arrows(files: &[File]) -> Vec<Arrow> {
    let read = compiled(files);
    let rooms: BTreeSet<&str> =
        read.iter().filter_map(|(_, module, _)| Some(module.first()?.as_str())).collect();
    let has_library = files.iter().any(|(name, _)| name.ends_with("/src/lib.rs"));
    let root = read.iter().filter(|(name, ..)| is_root(name, has_library));
    let exports: BTreeMap<&str, &[String]> = root
        .flat_map(|(_, _, content)| &content.exports)
        .map(|(name, path)| (name.as_str(), path.as_slice()))
        .collect();
    let mut found = Vec::new();
    for (name, module, content) in &read {
        let is_root = is_root(name, has_library);
        let from = match module.first() {
            Some(room) => room,
            None if is_root => continue,
            None => MAIN,
        };
        for path in &content.paths {
            // A program reaches its library by the name of the crate.
            let is_own = match &path.start {
                Start::Root => true,
                Start::Crate(other) => from == MAIN && name.contains(&format!("/{other}/src/")),
            };
            let to = match path.names.first().map(String::as_str) {
                _ if !is_own => continue,
                Some(first) if rooms.contains(first) => first,
                Some(first) => match exports.get(first).map(|path| path[0].as_str()) {
                    Some(room) if rooms.contains(room) => room,
                    // What the root has from another crate.
                    Some(_) => continue,
                    None => ROOT,
                },
                None => ROOT,
            };
            if to != from {
                found.push(Arrow {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    place: format!("{name}:{}", path.line),
                    path: path.names.join("::"),
                });
            }
        }
    }
    found
}

/// Each circle, as the rooms in it and one place for each of its arrows.
pub fn circles(arrows: &[Arrow]) -> Vec<String> {
    let reach = |start: &str| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(room) = todo.pop() {
            for arrow in arrows.iter().filter(|arrow| arrow.from == room) {
                if seen.insert(arrow.to.clone()) {
                    todo.push(arrow.to.clone());
                }
            }
        }
        seen
    };
    let rooms: BTreeSet<&str> = arrows.iter().map(|arrow| arrow.from.as_str()).collect();
    let reached: BTreeMap<&str, _> = rooms.iter().map(|room| (*room, reach(room))).collect();
    let sees = |from: &str, to: &str| reached.get(from).is_some_and(|seen| seen.contains(to));
    let mut told = BTreeSet::new();
    for room in rooms.iter().filter(|room| sees(room, room)) {
        let others = rooms.iter().filter(|other| sees(room, other) && sees(other, room));
        let knot: Vec<&str> = others.copied().collect();
        let mut text = format!("a circle between {}", knot.join(", "));
        let is_inside = |arrow: &&Arrow| {
            knot.contains(&arrow.from.as_str()) && knot.contains(&arrow.to.as_str())
        };
        let mut shown = BTreeSet::new();
        for arrow in arrows.iter().filter(is_inside) {
            if shown.insert((&arrow.from, &arrow.to)) {
                text.push_str(&format!("\n  {}", told_of(arrow)));
            }
        }
        told.insert(text);
    }
    told.into_iter().collect()
}

/// What does not keep to the layers, which are given from the top down; rooms of one layer
/// may use each other.
pub fn upward(arrows: &[Arrow], layers: &[&[&str]]) -> Vec<String> {
    let level = |room: &str| layers.iter().position(|layer| layer.contains(&room));
    let goes_up = |arrow: &&Arrow| match (level(&arrow.from), level(&arrow.to)) {
        (Some(from), Some(to)) => to < from,
        // Nobody needs what stands in the root; undeclared rooms are told of elsewhere.
        _ => arrow.to == ROOT,
    };
    arrows.iter().filter(goes_up).map(|arrow| format!("upward: {}", told_of(arrow))).collect()
}

/// Rooms that the layers do not name, and names that are no rooms.
pub fn undeclared(files: &[File], layers: &[&[&str]]) -> Vec<String> {
    let read = compiled(files);
    let mut rooms: BTreeSet<&str> =
        read.iter().filter_map(|(_, module, _)| Some(module.first()?.as_str())).collect();
    let has_library = files.iter().any(|(name, _)| name.ends_with("/src/lib.rs"));
    if has_library && read.iter().any(|(name, ..)| name.ends_with("/src/main.rs")) {
        rooms.insert(MAIN);
    }
    let declared: BTreeSet<&str> = layers.iter().flat_map(|layer| layer.iter().copied()).collect();
    let more = rooms.difference(&declared).map(|room| format!("{room} has no place in the layers"));
    let less =
        declared.difference(&rooms).map(|room| format!("the layers name {room}: no such room"));
    more.chain(less).collect()
}

fn told_of(arrow: &Arrow) -> String {
    format!("{} → {}  {}  {}", arrow.from, arrow.to, arrow.place, arrow.path)
}

/// The module of a file: `crates/x/src/a/b.rs` is `a::b`, `a/mod.rs` is `a`, a root is empty.
fn module_of(name: &str) -> Vec<String> {
    let inside = name.split_once("/src/").map_or(name, |(_, inside)| inside);
    let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" || path == "main" {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

fn is_root(name: &str, has_library: bool) -> bool {
    name.ends_with(if has_library { "/src/lib.rs" } else { "/src/main.rs" })
}

/// The files that a file's modules of tests stand in, without their endings.
fn test_files<'a>(name: &'a str, content: &'a Content) -> impl Iterator<Item = String> + 'a {
    let beside = Path::new(name).parent().unwrap_or(Path::new(""));
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_folder = ["mod", "lib", "main"].contains(&stem);
    let modules = if is_folder { beside.to_owned() } else { beside.join(stem) };
    content.tests.iter().map(move |test| match test {
        TestFile::Module(name) => modules.join(name).display().to_string(),
        TestFile::Beside(path) => beside.join(path.trim_end_matches(".rs")).display().to_string(),
    })
}
