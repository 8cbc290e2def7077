//! The shape of the repository, checked: arrows, allowed places, module docs,
//! file lengths, names.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask", "fuzz/checks", "fuzz/fuzz_targets"] {
        walk(&root().join(folder), &mut found);
    }
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Our own crates that a manifest depends on.
fn arrows(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest)).unwrap();
    let names = text.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| name.starts_with("portcullis")).map(str::to_owned).collect()
}

#[test]
fn arrows_point_one_way() {
    let check = |manifest: &str, allowed: &[&str]| {
        let found = arrows(manifest);
        let wrong: Vec<_> = found.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{manifest} must not depend on {wrong:?}");
    };
    check("crates/portcullis-core/Cargo.toml", &[]);
    for middle in ["load", "supervise", "report"] {
        check(&format!("crates/portcullis-{middle}/Cargo.toml"), &["portcullis-core"]);
    }
    let middle =
        ["portcullis-core", "portcullis-load", "portcullis-supervise", "portcullis-report"];
    check("crates/portcullis/Cargo.toml", &middle);
    check("xtask/Cargo.toml", &["portcullis"]);
}

#[test]
fn only_these_places_may_do_what_is_banned() {
    let allowed = [
        "crates/portcullis-load/src/http/resolve.rs",
        "crates/portcullis-load/src/http/stream.rs",
        "crates/portcullis-load/tests/allocations.rs",
        "crates/portcullis-load/tests/conformance.rs",
        "crates/portcullis-load/tests/engine.rs",
        "crates/portcullis-load/tests/extension.rs",
        "crates/portcullis-load/tests/pairs.rs",
        "crates/portcullis-load/tests/tls.rs",
        "crates/portcullis-report/tests/reports/readers.rs",
        "crates/portcullis-supervise/src/finite.rs",
        "crates/portcullis-supervise/src/launch.rs",
        "crates/portcullis-supervise/src/port.rs",
        "crates/portcullis-supervise/src/server.rs",
        "crates/portcullis-supervise/src/twin.rs",
        "crates/portcullis/src/console/tmux_tests.rs",
        "crates/portcullis/src/stages/health.rs",
        "crates/portcullis/tests/check.rs",
        "crates/portcullis/tests/report.rs",
        "crates/portcullis/tests/versions.rs",
        "crates/portcullis/tests/e2e/main.rs",
        "xtask/src/main.rs",
        "xtask/tests/architecture.rs",
    ];
    for (name, text) in sources() {
        let exempt = text.contains("clippy::disallowed_methods");
        assert!(!exempt || allowed.contains(&name.as_str()), "{name} lifts a ban");
    }
}

#[test]
fn versions_stand_in_the_workspace_manifest_only() {
    let members = ["core", "load", "supervise", "report"].map(|c| format!("crates/portcullis-{c}"));
    for member in members.iter().map(String::as_str).chain(["crates/portcullis", "xtask"]) {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let dependencies = text.split("dependencies]").skip(1).flat_map(str::lines);
        for line in dependencies.filter(|line| line.contains('=')) {
            assert!(line.ends_with(".workspace = true"), "{member}: {line}");
        }
    }
}

#[test]
fn every_file_opens_with_its_purpose_and_stays_short() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not open with //!");
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines: split it along a seam that has a name");
        let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap().to_owned();
        let vague = ["util", "utils", "helper", "helpers", "misc", "common"];
        assert!(!vague.contains(&stem.as_str()), "{name} says nothing");
    }
}
