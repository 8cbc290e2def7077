//! The files that are looked at, and the two rules that each of them keeps.

use std::path::{Path, PathBuf};

/// A file's path from the repository's root, and its text.
pub type File = (String, String);

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files below these folders whose names end in one of `extensions`; a file may stand
/// for a folder.
pub fn files(places: &[&str], extensions: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    for place in places {
        walk(&root().join(place), extensions, &mut found);
    }
    found.sort();
    found
}

/// Everything that is written in Rust here.
pub fn rust() -> Vec<File> {
    let found = files(&["crates", "xtask", "fuzz/checks", "fuzz/fuzz_targets"], &["rs"]);
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn walk(place: &Path, extensions: &[&str], found: &mut Vec<File>) {
    if place.is_dir() {
        for entry in std::fs::read_dir(place).unwrap().flatten() {
            let is_foreign = entry.file_name() == "node_modules" || entry.file_name() == "target";
            if !is_foreign {
                walk(&entry.path(), extensions, found);
            }
        }
    } else if place.extension().is_some_and(|own| extensions.iter().any(|other| own == *other)) {
        let name = place.strip_prefix(root()).unwrap().display().to_string();
        found.push((name, std::fs::read_to_string(place).unwrap()));
    }
}

#[test]
fn every_file_opens_with_its_purpose_and_stays_short() {
    for (name, text) in rust() {
        assert!(text.starts_with("//!"), "{name} does not open with //!");
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines: split it along a seam that has a name");
        let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap().to_owned();
        let vague = ["util", "utils", "helper", "helpers", "misc", "common"];
        assert!(!vague.contains(&stem.as_str()), "{name} says nothing");
    }
}
